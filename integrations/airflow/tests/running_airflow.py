"""Airflow itself, on loopback: database, API server, scheduler and DAG processor."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMEOUT_SECONDS = 180
DAGS = {"create_profile", "create_profiles", "templated", "mapped", "json_text", "limited"}
PROCESSES = ("api-server", "scheduler", "dag-processor")


def free_ports(count):
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [taken.getsockname()[1] for taken in sockets]


class Airflow:
    def __init__(self, home):
        self.home = Path(home)
        self.port, logs_port = free_ports(2)
        self.origin = f"http://127.0.0.1:{self.port}"
        dags = self.home / "dags"
        dags.mkdir(parents=True)
        for folder in (HERE.parent / "dags", HERE / "dags"):
            for file in folder.glob("*.py"):
                shutil.copy(file, dags)
        options = {
            "CORE__DAGS_FOLDER": dags,
            "CORE__LOAD_EXAMPLES": False,
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
            "CORE__TEST_CONNECTION": "Enabled",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.origin}/execution/",
            "CORE__PARALLELISM": 2,
            "API__HOST": "127.0.0.1",
            "API__PORT": self.port,
            "API__WORKERS": 1,
            "API_AUTH__JWT_SECRET": os.urandom(64).hex(),
            "LOGGING__WORKER_LOG_SERVER_PORT": logs_port,
            "USAGE_DATA_COLLECTION__ENABLED": False,
        }
        self.environment = {
            **os.environ,
            **{f"AIRFLOW__{name}": str(value) for name, value in options.items()},
            "AIRFLOW_HOME": str(self.home),
        }

    @contextlib.contextmanager
    def running(self):
        """For as long as the block lasts."""
        self._start("db", "migrate").wait()
        processes = [self._start(name) for name in PROCESSES]
        try:
            self.wait(self._is_healthy, "Airflow is healthy")
            yield self
        finally:
            # Each is the leader of a group, with those that it has started itself.
            for number in (signal.SIGTERM, signal.SIGKILL):
                for process in processes:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, number)
                end = time.monotonic() + 5
                for process in processes:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(max(0, end - time.monotonic()))

    def _start(self, *arguments):
        with (self.home / f"{arguments[0]}.log").open("wb") as output:
            command = [sys.executable, "-m", "airflow", *arguments]
            return subprocess.Popen(
                command,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _is_healthy(self):
        try:
            health = self.get("/api/v2/monitor/health")
            dags = self.get("/api/v2/dags")["dags"]
        except (urllib.error.URLError, ConnectionError):
            return False
        healthy = all(health[part]["status"] == "healthy" for part in ("scheduler", "dag_processor"))
        return healthy and {dag["dag_id"] for dag in dags} == DAGS

    def wait(self, condition, what):
        """Until the condition holds, which is returned."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.2)
        raise TimeoutError(what)

    def get(self, path):
        return self.call("GET", path)

    def call(self, method, path, body=None):
        """What the API answers, as JSON."""
        request = urllib.request.Request(
            self.origin + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer) if answer.status != 204 else None

    def trigger(self, dag, conf=None):
        """A run, and its end."""
        body = {"logical_date": None, "conf": conf or {}}
        run = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", body)
        return self.ended(dag, run["dag_run_id"])

    def ended(self, dag, run):
        """A run when it has ended."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}"

        def end():
            found = self.get(path)
            return Run(self, path, found["state"]) if found["state"] in ("success", "failed") else None

        return self.wait(end, f"{dag} has ended")


class Run:
    def __init__(self, airflow, path, state):
        self.airflow, self.path, self.state = airflow, path, state

    def tasks(self, task=None):
        """The task instances, in the order of the map."""
        found = self.airflow.get(f"{self.path}/taskInstances")["task_instances"]
        return sorted(
            (one for one in found if task in (None, one["task_id"])), key=lambda one: one["map_index"]
        )

    def result(self, task):
        """What a task has returned."""
        path = f"{self.path}/taskInstances/{task}/xcomEntries/return_value"
        return self.airflow.get(f"{path}?deserialize=true")["value"]

    def log(self, task, attempt, map_index=-1):
        path = f"{self.path}/taskInstances/{task}/logs/{attempt}?map_index={map_index}&full_content=true"
        return json.dumps(self.airflow.get(path)["content"])
