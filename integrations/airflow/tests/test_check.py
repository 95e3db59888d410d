"""Testing a connection: what Airflow's button and its command say."""

import json
import socket
import subprocess
import sys

import pytest
from conftest import TOKEN
from mixpanel_create_profile.airflow.hooks import MixpanelHook

WRONG = "0f9e8d7c6b5a49382716050403020100"


@pytest.fixture
def body(stand_in):
    """What the button sends."""
    extra = {"region": "eu", "base-url": stand_in.origin, "max-retries": 0}
    return {
        "connection_id": "not-kept",
        "conn_type": "mixpanel",
        "password": TOKEN,
        "extra": json.dumps(extra),
    }


def said_of(airflow, body):
    answer = airflow.call("POST", "/api/v2/connections/test", body)
    assert TOKEN not in json.dumps(answer)
    return answer["status"], answer["message"]


def test_a_right_token(airflow, body):
    assert said_of(airflow, body) == (True, "Mixpanel knows the project token")


def test_a_wrong_token(airflow, body):
    status, message = said_of(airflow, {**body, "password": WRONG})
    assert not status
    assert message.startswith("Mixpanel does not know the project token: ")
    assert WRONG not in message


def test_a_server_that_cannot_be_reached(airflow, body):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
        extra = json.dumps({"region": "eu", "base-url": origin, "max-retries": 0})
        status, message = said_of(airflow, {**body, "extra": extra})
    assert not status
    assert message.startswith("It is not known whether the project token is right: ")
    assert "refused" in message


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, "connection.region is required"),
        ({"region": "us"}, "connection.region must be one of standard, eu, india"),
        ({"region": "eu", "base-url": "nowhere"}, "connection.base-url"),
    ],
)
def test_a_connection_that_is_not_filled_in(airflow, body, extra, message):
    status, said = said_of(airflow, {**body, "extra": json.dumps(extra)})
    assert not status
    assert message in said


@pytest.mark.usefixtures("connection")
def test_the_command(airflow):
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "connections", "test", "mixpanel_default"],
        env=airflow.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    assert "Connection success!" in done.stdout, done.stdout
    assert TOKEN not in done.stdout


def test_the_hook_in_a_task_of_ones_own(monkeypatch, stand_in):
    extra = {"region": "eu", "base-url": stand_in.origin}
    kept = {"conn_type": "mixpanel", "password": TOKEN, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(kept))
    assert MixpanelHook("mine").test_connection() == (True, "Mixpanel knows the project token")
