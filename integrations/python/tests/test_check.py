"""Whether a project token is right."""

import json
import os
import socket
import subprocess
import sys

import pytest
import stand_in as stand_in_for_mixpanel
import usage
from conftest import TOKEN
from mixpanel_create_profile import check_connection

WRONG = "0f9e8d7c6b5a49382716050403020100"


@pytest.fixture
def stand_in():
    """One that knows the token of the tests."""
    with stand_in_for_mixpanel.running(os.environ["STAND_IN"], "--token", TOKEN) as running:
        yield running


def test_a_token_that_mixpanel_knows_is_valid(stand_in, connection):
    assert check_connection(connection) == {
        "verdict": "valid",
        "status-code": 200,
        "reason": None,
    }
    assert not usage.is_wrong(connection)
    assert stand_in.count() == 0


def test_a_token_that_it_does_not_know_is_invalid(connection):
    check = check_connection({**connection, "project-token": WRONG})
    assert check["verdict"] == "invalid"
    assert check["reason"]
    assert WRONG not in check["reason"]
    assert usage.is_wrong({**connection, "project-token": WRONG})


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_any_other_answer_is_no_verdict(stand_in, connection, status):
    stand_in.set_faults({"fault": {"answer": {"status": status, "body": "<h1>Sorry</h1>"}}})
    check = check_connection(connection)
    assert (check["verdict"], check["status-code"]) == ("unknown", status)
    assert check["reason"]


def test_no_answer_is_no_verdict(connection):
    # Bound but not listening: nobody else can take the port, and it refuses.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
        check = check_connection({**connection, "base-url": origin})
    assert (check["verdict"], check["status-code"]) == ("unknown", None)
    assert "refused" in check["reason"]


def test_a_connection_of_a_wrong_shape_is_refused_and_nothing_is_sent(stand_in, connection):
    with pytest.raises(ValueError, match="connection.region must be one of"):
        check_connection({**connection, "region": "us"})
    assert stand_in.requests() == []


@pytest.mark.parametrize(
    ("token", "path", "status", "verdict"),
    [(TOKEN, "", 0, "valid"), (WRONG, "", 1, "invalid"), (TOKEN, "/elsewhere", 3, "unknown")],
)
def test_the_command_says_it_by_its_exit_status(stand_in, token, path, status, verdict):
    done = subprocess.run(
        [sys.executable, "-m", "mixpanel_create_profile", "check", "--region", "eu"]
        + ["--base-url", stand_in.origin + path, "--max-retries", "0"],
        env={**os.environ, "MIXPANEL_PROJECT_TOKEN": token},
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    assert done.returncode == status
    assert json.loads(done.stdout)["verdict"] == verdict
    assert token not in done.stdout
