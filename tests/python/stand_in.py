"""The stand-in for Mixpanel: `host-harness stand-in`."""

import contextlib
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

TIMEOUT_SECONDS = 30


@contextlib.contextmanager
def running(command, *options):
    """One on a free port, for as long as the block lasts."""
    command = [command, "stand-in", "--listen", "127.0.0.1:0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            origin = process.stdout.readline().strip()
            assert origin.startswith("http://127.0.0.1:"), origin
            yield StandIn(origin)
        finally:
            process.kill()


@dataclass
class StandIn:
    origin: str

    def call(self, method, path, body=None):
        """Status and JSON."""
        request = urllib.request.Request(
            self.origin + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)

    def profile(self, profile_id):
        """The profile, or None where there is none of this id."""
        status, answer = self.call("GET", "/profiles/" + urllib.parse.quote(profile_id, safe=""))
        assert status in (200, 404), answer
        return answer if status == 200 else None

    def count(self):
        """How many profiles there are."""
        return self.call("GET", "/profiles")[1]["count"]

    def requests(self):
        status, requests = self.call("GET", "/requests")
        assert status == 200, requests
        return requests

    def set_faults(self, *rules):
        status, answer = self.call("PUT", "/faults", list(rules))
        assert status == 200, answer
