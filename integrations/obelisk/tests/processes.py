"""Programs that the tests start, and that are ended whatever happens."""

import atexit
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="obelisk-test-"))
"""Logs, databases and caches; kept where a test has failed."""

_running = []


class Program:
    """A program whose output goes to a file of FOLDER."""

    def __init__(self, name, command, environment=None, **as_user):
        self.name = name
        self.log = FOLDER / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                # So that Ctrl-C reaches the tests alone, which end the programs in their order.
                start_new_session=True,
                **as_user,
            )
        _running.append(self)

    def is_running(self):
        return self.process.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        """As a crash: `kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self, how=signal.SIGTERM, seconds=10):
        if self.is_running():
            self.process.send_signal(how)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def wait_until(self, is_ready, what, seconds=60):
        """Waits for the program to be ready; tells what it printed where it is not."""

        def ready():
            if not self.is_running():
                raise AssertionError(f"{self.name} has ended:\n{self.output()[-4000:]}")
            return is_ready()

        return wait_for(ready, what, seconds)


@atexit.register
def end_all():
    for program in reversed(_running):
        program.stop()


def wait_for(condition, what, seconds=60):
    """Asks again and again until `condition` gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port(host="127.0.0.1"):
    """A port that was free a moment ago: Obelisk does not tell which one port 0 has become."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]
