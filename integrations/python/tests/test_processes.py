"""Forked processes, and the command."""

import json
import os
import subprocess
import sys

import pytest
from conftest import TOKEN, user

FORKED = """
import os, sys, traceback
from mixpanel_create_profile import create_profile
connection = {"project-token": "t", "region": "eu", "base-url": sys.argv[1], "max-retries": 0}
user = {"profile": {"profile-id": "a"}, "properties": {}}
if sys.argv[2] == "after":
    create_profile(connection, user)
child = os.fork()
if child == 0:
    try:
        print(create_profile(connection, user)["status-code"])
    except RuntimeError as error:
        print(error)
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    ("fork", "printed"), [("before", "200"), ("after", "the card was called before this process was")]
)
def test_a_forked_process_calls_or_says_why_not(stand_in, fork, printed):
    command = [sys.executable, "-c", FORKED, stand_in.origin, fork]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert done.stdout.startswith(printed)


CALL = """
import sys
from mixpanel_create_profile import create_profile
connection = {"project-token": "t", "region": "eu", "base-url": sys.argv[1], "max-retries": 0}
print(create_profile(connection, {"profile": {"profile-id": "a"}, "properties": {}})["status-code"])
"""


def test_compiled_code_is_kept_where_it_can_be(stand_in, tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "cache", tmp_path / "cache", tmp_path / "file"):
        done = subprocess.run(
            [sys.executable, "-c", CALL, stand_in.origin],
            env={**os.environ, "XDG_CACHE_HOME": str(folder)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout == "200\n"
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]


INTERRUPTED = """
import signal, sys
from mixpanel_create_profile import create_profile
connection = {"project-token": "t", "region": "eu", "base-url": sys.argv[1], "max-retries": 0}
def alarm(*_):
    raise TimeoutError("the time is up")
signal.signal(signal.SIGALRM, alarm)
signal.setitimer(signal.ITIMER_REAL, 1)
try:
    create_profile(connection, {"profile": {"profile-id": "a"}, "properties": {}})
except TimeoutError as error:
    print(error)
"""


def test_a_signal_ends_a_call_to_a_server_that_hangs(stand_in):
    stand_in.set_faults({"fault": "hang"})
    command = [sys.executable, "-c", INTERRUPTED, stand_in.origin]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=20)
    assert done.stdout == "the time is up\n"


def run(*arguments, token=TOKEN, **options):
    environment = {**os.environ, "MIXPANEL_PROJECT_TOKEN": token}
    if token is None:
        del environment["MIXPANEL_PROJECT_TOKEN"]
    command = [sys.executable, "-m", "mixpanel_create_profile", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, check=False, timeout=60, **options
    )
    assert b"Traceback" not in done.stderr
    assert TOKEN.encode() not in done.stdout + done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def create(stand_in):
    return ["create", "--region", "eu", "--base-url", stand_in.origin, "--max-retries", "0"]


def test_a_file_with_one_user(stand_in, create, tmp_path):
    file = tmp_path / "user.json"
    file.write_text(json.dumps(user(name="Ada"), indent=2))
    assert run(*create, file) == (0, '{"ok": {"status-code": 200, "reason": null}}\n', "")
    assert stand_in.profile("user-1")["$properties"] == {"$name": "Ada"}


def test_lines_of_standard_input(stand_in, create):
    lines = [user("user-1", name="a\u2028b"), user("null"), user("user-2")]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    status, printed, _ = run(*create, input=text)
    results = [json.loads(line) for line in printed.splitlines()]
    assert status == 1
    assert [list(result) for result in results] == [["ok"], ["err"], ["ok"]]
    [invalid] = results[1]["err"]["permanent-invalid-input"]
    assert invalid["field"] == "profile.profile-id"
    assert stand_in.profile("user-1")["$properties"] == {"$name": "a\u2028b"}


def test_a_token_in_a_file(stand_in, create, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    text = json.dumps(user()).encode()
    assert run(*create, "--token-file", file, token=None, input=text)[0] == 0
    assert json.loads(stand_in.requests()[0]["body"])[0]["$token"] == TOKEN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"profile"\n', "line 1 is not JSON"),
        (json.dumps(user()).encode() + b"\n{\n", "line 2 is not JSON"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b"[]", "inputs[0] must be an object"),
        (b'{"profile": {"profile-id": 1}, "properties": {}}', "inputs[0].profile.profile-id must be"),
        (b"\xff", "can't decode"),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_sent(stand_in, create, text, message):
    status, printed, error = run(*create, input=text)
    assert (status, printed) == (2, "")
    assert message in error
    assert stand_in.requests() == []


def test_what_is_missing_is_said(create):
    assert "there is no project token" in run(*create, token=None, input=b"{}")[2]
    assert "no-such-file" in run(*create, "no-such-file")[2]
    assert "--region" in run("create", input=b"{}")[2]
