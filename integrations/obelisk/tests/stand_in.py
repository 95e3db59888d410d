"""The stand-in for Mixpanel: `host-harness stand-in`."""

import itertools
import json
import signal
from pathlib import Path

from http_json import expect
from processes import Program

ROOT = Path(__file__).resolve().parents[3]
HARNESS = ROOT / "target/release/host-harness"

_numbers = itertools.count(1)


class StandIn:
    def __init__(self, *options):
        self.program = Program(f"stand-in-{next(_numbers)}", [HARNESS, "stand-in", *options])
        # Its first line is its origin.
        self.origin = self.program.wait_until(
            lambda: self.program.output().partition("\n")[0], "the stand-in prints its origin"
        )

    def stop(self):
        self.program.stop(signal.SIGINT)

    def count(self):
        return expect([200], "GET", f"{self.origin}/profiles")["count"]

    def ids(self):
        return expect([200], "GET", f"{self.origin}/profiles")["ids"]

    def profile(self, profile_id):
        return expect([200], "GET", f"{self.origin}/profiles/{profile_id}")

    def requests(self):
        """The ids in each request, in their order."""
        requests = expect([200], "GET", f"{self.origin}/requests")
        return [
            [update["$distinct_id"] for update in json.loads(request["body"])]
            for request in requests
        ]

    def requested_ids(self):
        return [profile_id for request in self.requests() for profile_id in request]

    def forget_requests(self):
        expect([200, 204], "DELETE", f"{self.origin}/requests")

    def set_faults(self, *rules):
        expect([200], "PUT", f"{self.origin}/faults", list(rules))
