"""The workflow over the card, on one server that is killed."""

import json
import unittest

import notes
from inputs import connection, parameter, small_user, user
from obelisk import IMPORT_USERS, Server, changed
from processes import free_port, wait_for
from stand_in import StandIn

MAX_USERS = 20_000
MAX_BATCH_BYTES = 500_000


def answer(status):
    return {"answer": {"status": status, "body": "busy"}}


def counts(report):
    return {name: report[name] for name in ("created", "refused", "busy", "failed")}


def outcomes(report):
    """Profile id → tries, case and content."""
    return {
        told["profile_id"]: (told["tries"], *told["outcome"].items()) for told in report["users"]
    }


class Workflow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stand_in = StandIn()
        cls.addClassCleanup(cls.stand_in.stop)
        cls.server = Server("workflow", deployment="deployment.stand-in.toml")
        cls.addClassCleanup(lambda: cls.server.program.stop())

    def setUp(self):
        self.stand_in.set_faults()
        self.stand_in.forget_requests()

    def restart(self):
        self.server.program.kill()
        self.server.start()

    def run_import(self, users, max_retries=0, base_url=None):
        """The execution, and its report."""
        target = connection(base_url or self.stand_in.origin, max_retries)
        execution = self.server.submit(IMPORT_USERS, target, users)
        kind, report = self.server.result(execution)
        self.assertEqual(kind, "ok", report)
        self.assertEqual(
            [told["profile_id"] for told in report["users"]],
            [one["profile"]["profile_id"] for one in users],
        )
        return execution, report

    def test_each_users_outcome_is_reported(self):
        self.stand_in.set_faults(
            {"profile-id": "good", "times": 1, "fault": answer(429)},
            {"profile-id": "refused", "fault": answer(400)},
        )
        ids = ["good", "refused", "better"]
        users = [user(profile_id) for profile_id in ids] + [user("wrong", ip_address="here")]
        execution, report = self.run_import(users, max_retries=2)

        self.assertEqual(counts(report), {"created": 2, "refused": 1, "busy": 0, "failed": 1})
        told = outcomes(report)
        created = ("created", {"status_code": 200, "reason": None})
        self.assertEqual(told["good"], (2, created))
        self.assertEqual(told["better"], (2, created))
        tries, (case, output) = told["refused"]
        self.assertEqual((tries, case, output["status_code"]), (2, "refused", 400))
        self.assertTrue(output["reason"])
        tries, (case, error) = told["wrong"]
        self.assertEqual((tries, case), (1, "failed"))
        self.assertIn("permanent_invalid_input", error)

        # The wait was the workflow's, and nothing was sent of what is wrong.
        self.assertEqual(self.server.waits(execution), 1)
        self.assertNotIn("wrong", self.stand_in.requested_ids())

    def test_who_is_busy_to_the_last_try_is_reported_as_busy(self):
        self.stand_in.set_faults({"profile-id": "always-away", "fault": answer(503)})
        execution, report = self.run_import([user("always-away")], max_retries=2)
        tries, (case, output) = outcomes(report)["always-away"]
        self.assertEqual((tries, case, output["status_code"]), (3, "busy", 503))
        self.assertEqual(self.server.waits(execution), 2)
        self.assertEqual(self.stand_in.requests(), [["always-away"]] * 3)

    def test_a_lost_connection_is_tried_again_after_a_durable_wait(self):
        self.stand_in.set_faults({"profile-id": "lost", "times": 1, "store": True, "fault": "reset"})
        execution, report = self.run_import([user("lost"), user("beside")], max_retries=1)
        self.assertEqual([told["tries"] for told in report["users"]], [2, 2])
        self.assertEqual(report["created"], 2)
        self.assertEqual(self.server.waits(execution), 1)

    def test_a_closed_port_is_reported_after_the_last_try(self):
        execution, report = self.run_import(
            [user("nowhere")], max_retries=1, base_url=f"http://127.0.0.1:{free_port()}"
        )
        tries, (case, error) = outcomes(report)["nowhere"]
        self.assertEqual((tries, case, list(error)), (2, "failed", ["transport"]))

    def test_the_users_of_the_parameter_file_are_created(self):
        users = parameter("users.json")
        _, report = self.run_import(users, max_retries=None)
        self.assertEqual(report["created"], len(users))
        for one in users:
            self.assertIn(one["profile"]["profile_id"], self.stand_in.ids())

    def test_no_users_make_an_empty_report(self):
        _, report = self.run_import([])
        self.assertEqual(report["users"], [])

    def test_many_users_are_few_calls_of_at_most_500_kb(self):
        users = [user(f"batched-{i}") for i in range(3_000)]
        execution, report = self.run_import(users)
        self.assertEqual(report["created"], len(users))
        calls = self.server.child_parameters(execution)
        sizes = [len(json.dumps(call, separators=(",", ":"))) for call in calls]
        self.assertLessEqual(max(sizes), MAX_BATCH_BYTES)
        # As many as fit: without the last one, they are full but for one user.
        self.assertGreater(sorted(sizes)[1], MAX_BATCH_BYTES * 0.99)
        self.assertEqual(len(self.stand_in.requests()), len(calls))
        self.assertCountEqual(
            self.stand_in.requested_ids(), [one["profile"]["profile_id"] for one in users]
        )

    def test_of_two_users_with_one_profile_id_the_first_wins(self):
        # The second ones would be in the second call, which nothing holds back but their ids: the
        # first call is late, and busy once.
        self.stand_in.set_faults(
            {"profile-id": "twice-0", "times": 1, "fault": answer(429)},
            {"profile-id": "twice-0", "times": 1, "fault": {"delay": {"millis": 1_000}}},
        )
        users = [small_user(f"twice-{i}", "first@b.c") for i in range(2_000)]
        users += [small_user(f"twice-{i}", "second@b.c") for i in range(0, 2_000, 100)]
        users += [small_user("once")]
        _, report = self.run_import(users, max_retries=2)
        self.assertEqual(report["created"], len(users))
        for i in range(0, 2_000, 100):
            stored = self.stand_in.profile(f"twice-{i}")["$properties"]
            self.assertEqual(stored["$email"], "first@b.c")

    def test_20_000_users_are_one_execution_and_more_are_refused(self):
        users = [small_user(f"u{i}") for i in range(MAX_USERS)]
        _, report = self.run_import(users)
        self.assertEqual(report["created"], MAX_USERS)
        self.assertEqual(len(set(self.stand_in.requested_ids())), MAX_USERS)
        requests = len(self.stand_in.requests())
        notes.note("20,000 users", f"one execution, {requests} calls of the card and requests")
        result = self.server.run(
            IMPORT_USERS, connection(self.stand_in.origin), [*users, small_user("one-more")]
        )
        self.assertEqual(result, ("err", {"too_many_users": MAX_USERS}))

    def test_a_number_of_retries_that_the_card_refuses_is_refused(self):
        _, report = self.run_import([user("eleven")], max_retries=11)
        self.assertEqual(report["failed"], 1)
        [told] = report["users"]
        [field] = told["outcome"]["failed"]["permanent_invalid_input"]
        self.assertEqual(field["field"], "connection.max-retries")

    def test_one_user_for_whom_the_card_takes_too_long_fails_alone(self):
        deployment = changed(
            "deployment.stand-in.toml",
            ("exec.lock_expiry.seconds = 15", "exec.lock_expiry.seconds = 2"),
            ("max_retries = 5", "max_retries = 0"),
        )
        database = {"XDG_DATA_HOME": str(deployment.parent / "data")}
        server = Server("short-lock", deployment=deployment, environment=database)
        self.addCleanup(server.program.stop)
        self.stand_in.set_faults({"profile-id": "hangs", "fault": "hang"})
        ids = ["a", "b", "hangs", "c", "d"]
        kind, report = server.run(
            IMPORT_USERS, connection(self.stand_in.origin), [small_user(i) for i in ids]
        )
        self.assertEqual(kind, "ok", report)
        self.assertEqual(counts(report), {"created": 4, "refused": 0, "busy": 0, "failed": 1})
        self.assertEqual(outcomes(report)["hangs"], (1, ("failed", "execution_failed")))

    def test_it_survives_kill_9_in_a_call_and_in_a_wait(self):
        self.stand_in.set_faults(
            {"profile-id": "kill-hangs", "times": 1, "fault": "hang"},
            {"profile-id": "kill-busy", "times": 1, "fault": answer(429)},
        )
        # Two calls, the second of which hangs.
        ids = [*(f"kill-{i}" for i in range(2_000)), "kill-hangs", "kill-busy"]
        execution = self.server.submit(
            IMPORT_USERS,
            connection(self.stand_in.origin, max_retries=1),
            [small_user(profile_id) for profile_id in ids],
        )

        def one_is_under_way():
            """All calls have been made, and all but the one that hangs are finished."""
            children = self.server.children(execution)
            unfinished = len(children) - children.count("finished")
            return unfinished == 1 and len(self.stand_in.requested_ids()) == len(ids)

        wait_for(one_is_under_way, "all calls but one are finished")
        self.restart()
        self.assertNotEqual(self.server.status(execution), "finished")

        wait_for(lambda: self.server.waits(execution) == 1, "the workflow waits")
        self.assertEqual(self.stand_in.requested_ids().count("kill-busy"), 2)
        self.restart()
        kind, report = self.server.result(execution)
        self.assertEqual((kind, report["created"]), ("ok", len(ids)))

        # What was finished before a kill was not done again.
        requested = self.stand_in.requested_ids()
        again = {profile_id for profile_id in ids if requested.count(profile_id) > 1}
        self.assertIn("kill-busy", again)
        self.assertLess(len(again), 200)
        for profile_id in again:
            self.assertEqual(requested.count(profile_id), 3)
        self.assertEqual(set(ids) - set(self.stand_in.ids()), set())
        notes.note(
            "kill -9 on one server",
            f"a workflow of {len(ids)} users, killed in a call and in a wait: after the restarts it "
            f"ended with {report['created']} created; what was settled before was not sent again",
        )
