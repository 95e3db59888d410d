"""Past one machine: two servers on one PostgreSQL, one of which is killed half way."""

import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import notes
from inputs import connection, small_user, user
from obelisk import CREATE_PROFILE, HERE, IMPORT_USERS, Server
from postgres import Postgres
from processes import FOLDER, wait_for
from stand_in import StandIn

EXECUTIONS = 1_000

IMPORTS = 10
USERS = 10_000
"""Of all imports."""


def configuration():
    """server.postgres.toml that allows the stand-in."""
    start = "[[outbound_http"
    several, trial = (
        (HERE / name).read_text() for name in ("server.postgres.toml", "server.stand-in.toml")
    )
    made = FOLDER / "server.postgres.stand-in.toml"
    made.write_text(several[: several.index(start)] + trial[trial.index(start) :])
    return made


class TwoServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.stop)
        cls.configuration = configuration()

    def setUp(self):
        self.stand_in = StandIn()
        self.addCleanup(self.stand_in.stop)

    def server(self, name, deployment=None):
        environment = self.postgres.environment()
        server = Server(name, self.configuration, deployment, environment)
        self.addCleanup(server.program.stop)
        return server

    def submit(self, server, other, *parameters):
        """To one server, or where that has just died, the same execution to the other."""
        execution = other.new_id()
        try:
            return server.submit(CREATE_PROFILE, *parameters, execution=execution)
        except (OSError, HTTPException):
            return other.submit(CREATE_PROFILE, *parameters, execution=execution)

    def test_every_execution_finishes_although_one_server_is_killed_half_way(self):
        stays = self.server("server-a", "deployment.stand-in.toml")
        # It takes the deployment from the database.
        dies = self.server("server-b")

        # Each answer is late, so that many calls are under way at any time.
        self.stand_in.set_faults({"fault": {"delay": {"millis": 1_500}}})
        target = connection(self.stand_in.origin)
        ids = [f"user-{i}" for i in range(EXECUTIONS)]
        start = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            submissions = [
                threads.submit(self.submit, (stays, dies)[i % 2], stays, target, user(profile_id))
                for i, profile_id in enumerate(ids)
            ]

            def half_are_there():
                for submission in submissions:
                    if submission.done():
                        submission.result()
                return self.stand_in.count() >= EXECUTIONS / 2

            wait_for(half_are_there, "half of the profiles are there", 120)
            dies.program.kill()
            profiles_at_kill = self.stand_in.count()
            executions = [submission.result() for submission in submissions]
        self.assertLess(profiles_at_kill, EXECUTIONS, "it was killed too late")

        wait_for(lambda: not stays.unfinished(CREATE_PROFILE), "every execution finishes", 180)
        seconds = time.monotonic() - start

        owner = {executor: "server-a" for executor in stays.executors()}
        owner |= {executor: "server-b" for executor in dies.executors()}
        with ThreadPoolExecutor(8) as threads:
            histories = list(threads.map(stays.events, executions))
        finished_by, taken_over = Counter(), 0
        for events in histories:
            kind, content = events[-1]
            self.assertEqual(kind, "finished")
            self.assertEqual(content["retval"]["ok"]["value"]["status_code"], 200)
            runs = [owner[content["executor_id"]] for kind, content in events if kind == "locked"]
            finished_by[runs[-1]] += 1
            taken_over += "server-b" in runs and runs[-1] == "server-a"
        for line in (
            f"killed server-b when {profiles_at_kill} of {EXECUTIONS} profiles were there",
            f"server-a finished {finished_by['server-a']} executions, "
            f"{taken_over} of which server-b had begun",
            f"server-b finished {finished_by['server-b']} executions before it was killed",
        ):
            print(f"\n  {line}", end="", flush=True)
        print(flush=True)

        self.assertEqual(sum(finished_by.values()), EXECUTIONS)
        self.assertGreater(finished_by["server-b"], 0)
        self.assertGreater(taken_over, 0, "no call of the killed server was under way")
        self.assertCountEqual(self.stand_in.ids(), ids)
        notes.note(
            "kill -9, two servers",
            f"{EXECUTIONS} executions in {seconds:.0f} s: A finished {finished_by['server-a']}, B "
            f"{finished_by['server-b']} until it was killed; A took over {taken_over} calls of B",
        )

    def test_10_000_users_are_settled_although_one_server_is_killed_half_way(self):
        stays = self.server("server-c", "deployment.stand-in.toml")
        dies = self.server("server-d")
        lists = [
            [small_user(f"import-{i}-{j}") for j in range(USERS // IMPORTS)] for i in range(IMPORTS)
        ]
        ids = {one["profile"]["profile_id"] for users in lists for one in users}
        # The calls of the later imports are answered late, so that they are under way at the kill.
        late = [users[0]["profile"]["profile_id"] for users in lists[4:]]
        self.stand_in.set_faults(
            *({"profile-id": one, "fault": {"delay": {"millis": 5_000}}} for one in late)
        )
        target = connection(self.stand_in.origin, max_retries=3)
        start = time.monotonic()
        executions = [
            (stays, dies)[i % 2].submit(IMPORT_USERS, target, users)
            for i, users in enumerate(lists)
        ]

        wait_for(lambda: self.stand_in.count() >= USERS / 2, "half of the profiles are there")
        dies.program.kill()
        at_kill = self.stand_in.count()
        self.assertLess(at_kill, USERS, "it was killed too late")
        reports = [stays.result(execution, 180) for execution in executions]
        seconds = time.monotonic() - start

        for users, (kind, report) in zip(lists, reports):
            self.assertEqual(kind, "ok", report)
            self.assertEqual(report["created"], len(users))
        self.assertCountEqual(self.stand_in.ids(), ids)
        histories = [stays.events(execution) for execution in executions]
        runs = [
            [content["executor_id"] for kind, content in events if kind == "locked"]
            for events in histories
        ]
        taken_over = sum(len(set(executors)) > 1 for executors in runs)
        self.assertGreater(taken_over, 0, "the killed server ran none of the workflows")
        again = len(self.stand_in.requested_ids()) - USERS
        notes.note(
            "kill -9, two servers, import-users",
            f"{USERS} users in {IMPORTS} executions in {seconds:.0f} s, killed at {at_kill} profiles; "
            f"taken over: {taken_over}; all {USERS} created, none lost, none twice, {again} of them "
            "under way at the kill and sent again",
        )
