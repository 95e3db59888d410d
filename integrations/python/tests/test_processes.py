"""Forked processes, and the command."""

import json
import os
import signal
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


def command(*arguments):
    return [sys.executable, "-m", "mixpanel_create_profile", *arguments]


def environment(token=TOKEN, **more):
    with_token = {**os.environ, "MIXPANEL_PROJECT_TOKEN": token, **more}
    return {name: value for name, value in with_token.items() if value is not None}


def run(*arguments, token=TOKEN, **options):
    done = subprocess.run(
        command(*arguments),
        env=environment(token),
        capture_output=True,
        check=False,
        timeout=60,
        **options,
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


ONE_LINE = json.dumps(user()).encode()
NUMBER = b'{"profile": {"profile-id": "a"}, "properties": {"dynamic-fields": [{"name": "n", "value": '


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"profile"\n', "line 1 is not JSON"),
        (ONE_LINE + b"\n{\n", "line 2 is not JSON"),
        (b"[" * 100_000, "line 1 is not JSON"),
        # Nothing, and what is no object.
        (b"", "standard input is empty: give one object"),
        (b" \n\n", "standard input is empty: give one object"),
        (b"\xef\xbb\xbf", "standard input is empty: give one object"),
        (b"[]", "standard input is an array: give one object, or one object a line"),
        (b"null", "standard input is null: give an object"),
        (b"4711\n4711", "line 1 is a number: give an object"),
        (ONE_LINE + b"\n\n[]", "line 3 is an array: give one object, or one object a line"),
        # What cannot be passed, by its line.
        (
            b'{"profile": {"profile-id": 1}, "properties": {}}',
            "standard input: profile.profile-id must be a string, not a number: put it in quotes",
        ),
        (
            ONE_LINE + b'\n\n{"profile": {"profile-id": true}}',
            "line 3: profile.profile-id must be a string, not a boolean: put it in quotes",
        ),
        (ONE_LINE + b'\n{"profile": null}', "line 2: profile must be an object, not null"),
        (ONE_LINE + b'\n{"profiles": {}}', "line 2 has no field 'profiles'"),
        # What Python's reader would alter.
        (ONE_LINE + b'\n{"profile": {}, "profile": {}}', "line 2: profile is there twice: give it"),
        (NUMBER + b'{"number": 738529527931269425.0}}]}}', "cannot be carried exactly as a number"),
        (NUMBER + b'{"number": NaN}}]}}', "must be a finite number"),
        # What is not UTF-8.
        (b"\xff", "standard input is not UTF-8: save it as UTF-8"),
        ('{"name": "ü"}'.encode("latin-1"), "standard input is not UTF-8: save it as UTF-8"),
        ("{}".encode("utf-16"), "standard input is UTF-16: save it as UTF-8"),
        ("{}".encode("utf-16-be"), "standard input is UTF-16: save it as UTF-8"),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_sent(stand_in, create, text, message):
    status, printed, error = run(*create, input=text)
    assert (status, printed) == (2, "")
    assert message in error
    assert stand_in.requests() == []


def test_a_file_is_named(create, tmp_path):
    assert "no-such-file cannot be read: No such file" in run(*create, "no-such-file")[2]
    file = tmp_path / "users.jsonl"
    file.write_text("")
    assert f"{file} is empty: give one object" in run(*create, file)[2]
    assert f"{tmp_path} cannot be read: Is a directory" in run(*create, tmp_path)[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--token-file cannot be read: No such file or directory"),
        (b"\xff" + TOKEN.encode(), "--token-file is not UTF-8: save it as UTF-8"),
        (TOKEN.encode("utf-16"), "--token-file is UTF-16: save it as UTF-8"),
        (b"", "connection.project-token"),
    ],
)
def test_a_token_file_that_cannot_be_used_is_said_without_what_is_in_it(
    create, tmp_path, content, message
):
    # Somebody may have given the token in place of the file.
    file = tmp_path / TOKEN
    if content is not None:
        file.write_bytes(content)
    status, _, error = run(*create, "--token-file", file, input=ONE_LINE)
    assert status == 2
    assert message in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--region", "eu", "--token", TOKEN],
        ["create", "--region", "eu", f"--token={TOKEN}"],
        ["create", "--region", "eu", "users.jsonl", "--token", TOKEN],
        ["create", "--region", "eu", "users.jsonl", TOKEN],
        ["create", "--region", "eu", f"--{TOKEN}"],
        ["create", "--region", TOKEN],
        ["create", "--region", "eu", "--max-retries", TOKEN],
        ["create", "--region", "eu", f"--help={TOKEN}"],
        ["--token", TOKEN, "check", "--region", "eu"],
        [f"--token={TOKEN}", "check", "--region", "eu"],
        [TOKEN],
        [f"it's {TOKEN}"],
    ],
)
def test_a_token_among_the_arguments_is_not_shown(arguments):
    # `run` looks for the token in what is printed.
    status, _, error = run(*arguments, token="another", input=b"")
    assert (status, error[:6]) == (2, "usage:")
    if "--token" in arguments and arguments[0] == "create":
        assert "--token is not known. The token is no argument" in error


def test_an_option_that_is_cut_short_is_not_known(create):
    status, _, error = run(*create, "--base", "http://127.0.0.1", input=ONE_LINE)
    assert status == 2
    assert error.endswith("error: --base is not known\n")


@pytest.mark.parametrize("option", ["--base-url", "--token-file", "--max-retries", "--region", "--"])
@pytest.mark.parametrize("value", ["", " "])
def test_an_option_that_is_empty_is_refused(stand_in, create, option, value):
    status, printed, error = run(*create, option, value, input=ONE_LINE)
    assert (status, printed) == (2, "")
    assert "error: argument " in error
    assert stand_in.requests() == []


def test_an_unusable_token_is_said_before_anything_else(create):
    status, _, error = run("create", "--region", "eu", token=" ", input=ONE_LINE)
    assert (status, "connection.project-token: is blank" in error) == (2, True)


LIST = b"\n".join(json.dumps(user(f"user-{number}")).encode() for number in range(4_001))


@pytest.fixture
def list_file(tmp_path):
    file = tmp_path / "users.jsonl"
    file.write_bytes(LIST)
    return file


def shell(script, *arguments, **more):
    """What a command of a shell's prints, in which `"$@"` is this package's."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", *map(str, command(*arguments))],
        env=environment(**more),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    return done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("script", "requests", "message"),
    [
        ('"$@" > /dev/full; echo $?', 1, "No space left on device; 2000 of 4001 users had"),
        ('exec 3>&1; { "$@"; echo $? >&3; } | true', 1, "Broken pipe; 2000 of 4001 users had been sent"),
        ('"$@" >&-; echo $?', 0, "standard output is closed"),
    ],
)
def test_results_that_cannot_be_printed_end_the_list(
    stand_in, create, list_file, script, requests, message
):
    # Of the pipe, the other end is gone before the first part is over.
    stand_in.set_faults({"fault": {"delay": {"millis": 500}}})
    printed, error = shell(script, *create, list_file)
    assert printed.strip() == ("4" if requests else "2")
    assert message in error
    assert len(stand_in.requests()) == requests


def started_with(handler, arguments):
    """The command, started by a process that handles Ctrl-C so: jobs in the background ignore it."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        return subprocess.Popen(
            command(*arguments), env=environment(), stdout=subprocess.PIPE
        )
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_results_of_the_parts_that_are_over(stand_in, create, list_file, number):
    stand_in.set_faults({"fault": "hang", "profile-id": "user-2000"})
    with started_with(signal.SIG_DFL, [*create, list_file]) as process:
        printed = [process.stdout.readline() for _ in range(2_000)]
        process.send_signal(number)
        assert process.stdout.read() == b""
        assert process.wait(20) == -number
    assert printed == [b'{"ok": {"status-code": 200, "reason": null}}\n'] * 2_000


def test_ctrl_c_stays_ignored_where_it_was(create, list_file):
    with started_with(signal.SIG_IGN, [*create, list_file]) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert len(process.stdout.readlines()) == 4_000
        assert process.wait(20) == 0


def test_standard_streams_may_be_closed_or_poor(create):
    assert "standard input is closed: give a FILE" in shell('"$@" <&-', *create)[1]
    assert shell('"$@" 2>&-; echo $?', *create)[0] == "2\n"
    for encoding in ("ascii", "latin-1"):
        printed, error = shell('"$@"; echo $?', "create", "--help", PYTHONIOENCODING=encoding)
        assert printed.endswith("\n0\n")
        assert error == ""


def test_what_is_missing_is_said(create):
    assert "there is no project token" in run(*create, token=None, input=b"{}")[2]
    assert "--region" in run("create", input=b"{}")[2]
