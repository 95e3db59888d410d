"""The card as an activity of one server, on SQLite."""

import json
import statistics
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import figures
from inputs import connection, parameter, user
from obelisk import CREATE_PROFILE, HERE, Server, command_line
from processes import FOLDER, free_port, wait_for
from stand_in import StandIn

CALLS = 500


class OneServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stand_in = StandIn()
        cls.addClassCleanup(cls.stand_in.stop)
        cls.server = Server("one-server", deployment="deployment.stand-in.toml")
        cls.addClassCleanup(cls.server.program.stop)
        first = cls.server.timed(CREATE_PROFILE, connection(cls.stand_in.origin), user("first"))
        later = [
            cls.server.timed(CREATE_PROFILE, connection(cls.stand_in.origin), user(f"later-{i}"))
            for i in range(20)
        ]
        later = statistics.median(later)
        figures.note(
            "first call",
            f"{first * 1000:.0f} ms from submission to result, {first / later:.1f} times a later one",
        )
        # Its retries take a minute, in which the other tests run.
        cls.closed_port = cls.server.submit(
            CREATE_PROFILE, connection(f"http://127.0.0.1:{free_port()}"), user("closed-port")
        )

    def setUp(self):
        self.stand_in.set_faults()

    def create(self, profile_id, base_url=None, **fields):
        """The execution, when it is finished, and its result."""
        parameters = connection(base_url or self.stand_in.origin), user(profile_id, **fields)
        execution = self.server.submit(CREATE_PROFILE, *parameters)
        return execution, self.server.result(execution)

    def locks(self, execution):
        """How often it was begun."""
        return [kind for kind, _ in self.server.events(execution)].count("locked")

    def test_the_command_line_submits_the_parameter_files(self):
        file = FOLDER / "connection.json"
        trial = parameter("connection.stand-in.json")
        file.write_text(json.dumps({**trial, "base_url": self.stand_in.origin}))
        printed = command_line(
            "execution", "submit", "--follow", "--api-url", self.server.url,
            CREATE_PROFILE, "--", f"@{file}", f"@{HERE / 'params/new-profile.json'}",
        )  # fmt: skip
        self.assertIn('"status_code":200', printed.replace(" ", ""))
        stored = self.stand_in.profile("user-4711")["$properties"]
        self.assertEqual((stored["$email"], stored["seats"]), ("ada@example.com", 3))

    def test_a_refusal_of_mixpanel_is_a_result(self):
        refusal = {"status": 400, "body": '{"error":"no","status":0}'}
        self.stand_in.set_faults({"profile-id": "refused", "fault": {"answer": refusal}})
        execution, (kind, output) = self.create("refused")
        self.assertEqual((kind, output["status_code"]), ("ok", 400))
        self.assertEqual(self.locks(execution), 1)

    def test_invalid_input_is_not_tried_again(self):
        execution, (kind, error) = self.create("invalid", ip_address="localhost")
        self.assertEqual(kind, "error")
        [[field]] = [error["permanent_invalid_input"]]
        self.assertEqual(field["field"], "profile.ip-address")
        self.assertEqual(self.locks(execution), 1)

    def test_a_denied_origin_is_not_tried_again(self):
        execution, (kind, error) = self.create("denied", f"http://127.0.0.2:{free_port()}")
        self.assertEqual((kind, list(error)), ("error", ["permanent_denied"]))
        self.assertEqual(self.locks(execution), 1)
        figures.note("refusal: denied origin", f"error at once, one try: {json.dumps(error)}")

    def test_the_real_deployment_denies_the_stand_in(self):
        server = Server("real-deployment", deployment="deployment.toml", environment={
            "OBELISK__DATABASE__SQLITE__DIRECTORY": str(FOLDER / "real-deployment"),
        })  # fmt: skip
        self.addCleanup(server.program.stop)
        kind, error = server.run(
            CREATE_PROFILE, connection(self.stand_in.origin), user("elsewhere")
        )
        self.assertEqual((kind, list(error)), ("error", ["permanent_denied"]))
        self.assertNotIn("elsewhere", self.stand_in.ids())

    def test_a_lost_connection_is_tried_again(self):
        self.stand_in.set_faults({"profile-id": "lost", "times": 1, "store": True, "fault": "reset"})
        execution, (kind, output) = self.create("lost")
        self.assertEqual((kind, output["status_code"]), ("ok", 200))
        self.assertEqual(self.locks(execution), 2)
        self.assertEqual(self.stand_in.requested_ids().count("lost"), 2)
        figures.note("lost connection", "tried again by Obelisk after 2 s, then 200")

    def test_a_closed_port_is_tried_again_until_the_limit(self):
        kind, error = self.server.result(self.closed_port)
        self.assertEqual((kind, list(error)), ("error", ["transport"]))
        self.assertEqual(self.locks(self.closed_port), 6)
        figures.note(
            "refusal: closed port", f"6 tries within about 62 s, then the error: {json.dumps(error)}"
        )

    def test_calls_a_second(self):
        before = self.stand_in.count()
        start = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            submissions = [
                threads.submit(
                    self.server.submit,
                    CREATE_PROFILE, connection(self.stand_in.origin), user(f"many-{i}"),
                )  # fmt: skip
                for i in range(CALLS)
            ]
            executions = [submission.result() for submission in submissions]
        wait_for(
            lambda: all(self.server.is_finished(e) for e in reversed(executions)),
            f"{CALLS} executions finish",
        )
        seconds = time.monotonic() - start
        self.assertEqual(self.stand_in.count() - before, CALLS)
        figures.note("calls a second", f"{CALLS / seconds:.0f}, durable, on one server with SQLite")

    def test_the_servers_log_holds_no_token(self):
        self.create("secret")
        token = parameter("connection.stand-in.json")["project_token"]
        self.assertIn("Execution finished", self.server.program.output())
        self.assertNotIn(token, self.server.program.output())
