"""Obelisk servers, and their web API."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from http_json import call, expect
from processes import FOLDER, Program, free_port, wait_for

HERE = Path(__file__).resolve().parents[1]
OBELISK = os.environ.get("OBELISK", "obelisk")

CREATE_PROFILE = "mixpanel:cards/profiles@0.1.0.create-profile"
CHECK_CONNECTION = "mixpanel:cards/connections@0.1.0.check-connection"
IMPORT_USERS = "mixpanel:flows/users@0.1.0.import-users"

TOKEN = secrets.token_hex(32)
"""Of the API of every server."""

# Nothing of the user's own: compiled code, databases and tokens are the test's.
ENVIRONMENT = {
    "XDG_CACHE_HOME": str(FOLDER / "cache"),
    "XDG_DATA_HOME": str(FOLDER / "data"),
    "XDG_CONFIG_HOME": str(FOLDER / "config"),
    "OBELISK_API_TOKEN": TOKEN,
}


def command_line(*arguments):
    """Runs `obelisk`, and gives what it printed."""
    done = subprocess.run(
        [OBELISK, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **ENVIRONMENT},
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def changed(name, *changes):
    """A configuration of this folder with some of its text replaced, beside the components."""
    text = (HERE / name).read_text()
    for old, new in changes:
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    shutil.copytree(HERE / "components", folder / "components")
    (folder / name).write_text(text)
    return folder / name


class Server:
    """A server on a free port, started by serve.sh."""

    def __init__(
        self, name, configuration="server.stand-in.toml", deployment=None, environment=None
    ):
        self.name = name
        self.token = TOKEN
        self.configuration = configuration
        self.deployment = deployment
        self.environment = environment or {}
        self.start()

    def start(self):
        """Starts it, or starts it anew after it was killed."""
        for _ in range(5):
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            command = [HERE / "serve.sh", HERE / self.configuration]
            if self.deployment:
                command.append(HERE / self.deployment)
            listen = {"OBELISK__API__LISTENING_ADDR": f"127.0.0.1:{port}"}
            self.program = Program(
                self.name, command, {**ENVIRONMENT, **self.environment, **listen}
            )
            wait_for(self.is_settled, f"{self.name} answers or ends", 120)
            if self.program.is_running():
                return
            if "cannot bind" not in self.program.output():
                break
        raise AssertionError(f"{self.name} has ended:\n{self.program.output()[-4000:]}")

    def is_settled(self):
        if not self.program.is_running():
            return True
        try:
            # Whatever the answer says of the token.
            return call("GET", f"{self.url}/v1/deployment-id")[0] in (200, 401)
        except OSError:
            return False

    def expect(self, wanted, method, path, body=None):
        """JSON of an answer of the API whose status is one of `wanted`."""
        return expect(wanted, method, self.url + path, body, self.token, timeout=300)

    def executors(self):
        """Which executors have run in this server: it prints them with what they do."""
        return set(re.findall(r"executor_id=(\w+)", self.program.output()))

    def new_id(self):
        """For an execution that is to be submitted."""
        return self.expect([200], "GET", "/v1/execution-id")

    def submit(self, function, *parameters, execution=None):
        """The id of the execution, which is a new one where none is given.

        One that was submitted before with the same parameters is not submitted again.
        """
        execution = execution or self.new_id()
        body = {"ffqn": function, "params": list(parameters)}
        self.expect([200, 201], "PUT", f"/v1/executions/{execution}", body)
        return execution

    def is_finished(self, execution):
        return self.status(execution) == "finished"

    def status(self, execution):
        answer = self.expect([200], "GET", f"/v1/executions/{execution}/status")
        return answer["pending_state"]["status"]

    def result(self, execution, seconds=120):
        """`("ok", …)`, `("err", …)` or `("execution_failed", …)`, when there is one."""
        wait_for(lambda: self.is_finished(execution), f"{execution} finishes", seconds)
        answer = self.expect([200], "GET", f"/v1/executions/{execution}")
        [(kind, value)] = answer.items()
        return kind, value

    def run(self, function, *parameters):
        return self.result(self.submit(function, *parameters))

    def timed(self, function, *parameters):
        """Seconds from the submission to the result, which is that of one request."""
        body = {"ffqn": function, "params": list(parameters)}
        start = time.monotonic()
        result = self.expect([201], "POST", "/v1/executions?follow=true", body)
        seconds = time.monotonic() - start
        assert "ok" in result, result
        return seconds

    def unfinished(self, function):
        """Whether any execution of the function is not finished."""
        query = f"ffqn_prefix={function}&hide_finished=true&show_derived=true&length=1"
        return bool(self.expect([200], "GET", f"/v1/executions?{query}"))

    def derived(self, execution):
        """The executions that the workflow has submitted."""
        query = f"execution_id_prefix={execution}&show_derived=true&length=2000"
        found = self.expect([200], "GET", f"/v1/executions?{query}")
        return [e for e in found if e["execution_id"] != execution]

    def children(self, execution):
        """The status of each execution that the workflow has submitted."""
        return [e["pending_state"]["status"] for e in self.derived(execution)]

    def child_parameters(self, execution):
        """The parameters of each execution that the workflow has submitted."""
        created = [self.events(child["execution_id"])[0] for child in self.derived(execution)]
        return [content["params"] for kind, content in created if kind == "created"]

    def events(self, execution):
        """Kind and content of all that has happened to it."""
        query = "length=10000&including_cursor=true"
        answer = self.expect([200], "GET", f"/v1/executions/{execution}/events?{query}")
        return [
            next(iter(event["event"].items()))
            for event in answer["events"]
            # Those without content bear their name alone, and are of no interest here.
            if isinstance(event["event"], dict)
        ]

    def waits(self, execution):
        """How many durable waits the workflow has begun."""
        return sum(
            kind == "history_event"
            and content["event"].get("request", {}).get("type") == "delay_request"
            for kind, content in self.events(execution)
        )
