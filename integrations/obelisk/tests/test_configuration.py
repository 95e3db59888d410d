"""The files that a user starts from."""

import filecmp
import tomllib
import unittest

import notes
from obelisk import HERE, command_line
from stand_in import ROOT

DEPLOYMENTS = {
    "deployment.toml": "server.toml",
    "deployment.stand-in.toml": "server.stand-in.toml",
}
"""Each with a server that allows what it wants."""

SERVERS = ("server.toml", "server.postgres.toml", "server.stand-in.toml")


def lines_of(*files):
    """Those that say anything."""
    lines = [line.strip() for file in files for line in (HERE / file).read_text().splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in lines)


def read(name):
    return tomllib.loads((HERE / name).read_text())


def allowed(host, path):
    """One path of one host, by POST."""
    origin = f"https://{host}"
    regex = f"^POST {origin}{path}$".replace(".", r"\.")
    return {"pattern": origin, "methods": ["POST"], "request_url_regex": regex}


class Configuration(unittest.TestCase):
    def test_obelisk_accepts_every_deployment(self):
        for deployment, server in DEPLOYMENTS.items():
            with self.subTest(deployment):
                command_line(
                    "server", "verify", "--skip-db",
                    "--server-config", HERE / server, "--deployment", HERE / deployment,
                )  # fmt: skip

    def test_the_component_is_the_one_of_dist(self):
        card = "mixpanel-create-profile.wasm"
        self.assertTrue(
            filecmp.cmp(HERE / "components" / card, ROOT / "dist" / card, shallow=False)
        )

    def test_the_card_may_post_to_four_paths_of_mixpanel_and_nowhere_else(self):
        [card] = read("deployment.toml")["activity_wasm"]
        self.assertCountEqual(
            card["allowed_host"],
            [
                *(allowed(f"{host}.mixpanel.com", "/engage") for host in ("api", "api-eu", "api-in")),
                allowed("mixpanel.com", "/api/app/validate-project-credentials/"),
            ],
        )

    def test_each_server_allows_what_its_deployment_wants_and_nothing_else(self):
        for deployment, server in (*DEPLOYMENTS.items(), ("deployment.toml", "server.postgres.toml")):
            [card] = read(deployment)["activity_wasm"]
            self.assertEqual(read(server)["outbound_http"]["allowed_host"], card["allowed_host"])

    def test_the_deployment_for_trying_out_differs_in_host_and_locks_alone(self):
        real, trial = map(read, DEPLOYMENTS)
        for deployment in (real, trial):
            [card], [workflow] = deployment["activity_wasm"], deployment["workflow_wasm"]
            del card["allowed_host"], card["exec"]["lock_expiry"]
            del workflow["exec"]["lock_expiry"], workflow["lock_extension_leeway"]
        self.assertEqual(real, trial)

    def test_the_servers_differ_in_database_and_hosts_alone(self):
        one, several, trial = map(read, SERVERS)
        for server in (one, several, trial):
            del server["outbound_http"]
        self.assertEqual(list(one.pop("database")), ["sqlite"])
        self.assertEqual(list(several.pop("database")), ["postgres"])
        self.assertEqual(list(trial.pop("database")), ["sqlite"])
        self.assertEqual(one, several)
        self.assertEqual(one, trial)

    def test_nothing_that_obelisk_0_42_refuses_is_in_a_deployment(self):
        for name in DEPLOYMENTS:
            self.assertNotIn("${DEPLOYMENT_DIR}", (HERE / name).read_text())
            deployment = read(name)
            for component in (*deployment["activity_wasm"], *deployment["workflow_wasm"]):
                self.assertNotIn("instance_limiter", component["exec"])

    def test_a_server_listens_on_this_machine_alone(self):
        for name in SERVERS:
            self.assertTrue(read(name)["api"]["listening_addr"].startswith("127.0.0.1:"))

    def test_lines_of_glue(self):
        notes.note("version", command_line("--version").strip())
        notes.note("how it is loaded", "an activity_wasm entry of deployment.toml, the file as it is")
        notes.note(
            "lines of glue",
            f"{lines_of('deployment.toml')} in deployment.toml, {lines_of('server.toml')} in server.toml",
        )
        self.assertLess(lines_of("deployment.toml", "server.toml"), 60)
