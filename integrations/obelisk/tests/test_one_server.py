"""The card as an activity of one server, on SQLite."""

import json
import statistics
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import notes
from http_json import call
from inputs import connection, parameter, user
from obelisk import CHECK_CONNECTION, CREATE_PROFILE, HERE, TOKEN, Server, command_line
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
        notes.note(
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
        self.assertEqual(kind, "err")
        [[field]] = [error["permanent_invalid_input"]]
        self.assertEqual(field["field"], "profile.ip-address")
        self.assertEqual(self.locks(execution), 1)

    def test_a_denied_origin_is_not_tried_again(self):
        execution, (kind, error) = self.create("denied", f"http://127.0.0.2:{free_port()}")
        self.assertEqual((kind, list(error)), ("err", ["permanent_denied"]))
        self.assertEqual(self.locks(execution), 1)
        notes.note("refusal: denied origin", f"error at once, one try: {json.dumps(error)}")

    def test_the_real_deployment_denies_the_stand_in(self):
        server = Server("real-deployment", deployment="deployment.toml", environment={
            "OBELISK__DATABASE__SQLITE__DIRECTORY": str(FOLDER / "real-deployment"),
        })  # fmt: skip
        self.addCleanup(server.program.stop)
        kind, error = server.run(
            CREATE_PROFILE, connection(self.stand_in.origin), user("elsewhere")
        )
        self.assertEqual((kind, list(error)), ("err", ["permanent_denied"]))
        self.assertNotIn("elsewhere", self.stand_in.ids())

    def test_another_path_of_an_allowed_origin_is_denied(self):
        _, (kind, error) = self.create("elsewhere", f"{self.stand_in.origin}/other")
        self.assertEqual((kind, list(error)), ("err", ["permanent_denied"]))
        self.assertNotIn("elsewhere", self.stand_in.requested_ids())

    def test_the_connection_is_checked_by_the_call_of_the_readme(self):
        right = parameter("connection.stand-in.json")["project_token"]
        stand_in = StandIn("--token", right)
        self.addCleanup(stand_in.stop)
        for token, verdict in ((right, "valid"), ("0" * 32, "invalid")):
            with self.subTest(verdict):
                target = {**connection(stand_in.origin), "project_token": token}
                kind, check = self.server.run(CHECK_CONNECTION, target)
                self.assertEqual((kind, check["verdict"]), ("ok", verdict))
        self.assertEqual(stand_in.count(), 0)

    def test_the_api_wants_the_token(self):
        url = f"{self.server.url}/v1/executions"
        self.assertEqual(call("GET", url, token=TOKEN)[0], 200)
        for token in (None, "0" * 64):
            status, answer = call("GET", url, token=token)
            self.assertEqual(status, 401, answer)

    def test_only_its_user_can_read_what_a_server_keeps(self):
        data = FOLDER / "data" / "obelisk"
        self.assertTrue(any(path.suffix == ".sqlite" for path in data.rglob("*")), data)
        self.assert_private(data)

    def test_without_a_token_one_is_made_and_an_older_database_is_closed_to_others(self):
        home = FOLDER / "home"
        database = home / "data/obelisk/mixpanel-stand-in"
        database.mkdir(parents=True)
        database.chmod(0o755)
        older = database / "older"
        older.touch()
        older.chmod(0o644)
        folders = {f"XDG_{kind.upper()}_HOME": str(home / kind) for kind in ("data", "config")}
        server = Server("no-token", environment={**folders, "OBELISK_API_TOKEN": ""})
        self.addCleanup(server.program.stop)
        [token] = [path for path in (home / "config").rglob("*") if path.is_file()]
        server.token = token.read_text().strip()
        self.assertGreaterEqual(len(server.token), 32)
        self.assertEqual(call("GET", f"{server.url}/v1/executions", token=server.token)[0], 200)
        self.assertEqual(call("GET", f"{server.url}/v1/executions", token=TOKEN)[0], 401)
        self.assert_private(database)
        self.assert_private(home / "config")

    def assert_private(self, folder):
        """Neither folders nor files give anything to group and others."""
        modes = {path: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
        for path, mode in modes.items():
            self.assertEqual(mode, 0o700 if path.is_dir() else 0o600, path)

    def test_a_lost_connection_is_tried_again(self):
        self.stand_in.set_faults({"profile-id": "lost", "times": 1, "store": True, "fault": "reset"})
        execution, (kind, output) = self.create("lost")
        self.assertEqual((kind, output["status_code"]), ("ok", 200))
        self.assertEqual(self.locks(execution), 2)
        self.assertEqual(self.stand_in.requested_ids().count("lost"), 2)
        notes.note("lost connection", "tried again by Obelisk after 2 s, then 200")

    def test_a_closed_port_is_tried_again_until_the_limit(self):
        kind, error = self.server.result(self.closed_port)
        self.assertEqual((kind, list(error)), ("err", ["transport"]))
        self.assertEqual(self.locks(self.closed_port), 6)
        notes.note(
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
        notes.note("calls a second", f"{CALLS / seconds:.0f}, durable, on one server with SQLite")

    def test_the_servers_log_holds_neither_token_nor_user(self):
        self.create("secret-id")
        self.create("secret-id", ip_address="localhost")
        log = self.server.program.output()
        self.assertIn("Execution finished", log)
        self.assertNotIn(parameter("connection.stand-in.json")["project_token"], log)
        self.assertNotIn("secret-id", log)
        self.assertNotIn(parameter("new-profile.json")["properties"]["email"], log)
