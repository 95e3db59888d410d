"""The files that a user starts from."""

import filecmp
import tomllib
import unittest

import figures
from obelisk import HERE, command_line
from stand_in import ROOT

DEPLOYMENTS = ("deployment.toml", "deployment.stand-in.toml")
SERVERS = ("server.toml", "server.postgres.toml")


def lines_of(*files):
    """Those that say anything."""
    lines = [line.strip() for file in files for line in (HERE / file).read_text().splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in lines)


class Configuration(unittest.TestCase):
    def test_obelisk_accepts_every_deployment(self):
        for deployment in DEPLOYMENTS:
            with self.subTest(deployment):
                command_line(
                    "server", "verify", "--skip-db",
                    "--server-config", HERE / "server.toml",
                    "--deployment", HERE / deployment,
                )  # fmt: skip

    def test_the_component_is_the_one_of_dist(self):
        card = "mixpanel-create-profile.wasm"
        self.assertTrue(
            filecmp.cmp(HERE / "components" / card, ROOT / "dist" / card, shallow=False)
        )

    def test_the_card_may_post_to_mixpanels_three_servers_and_nowhere_else(self):
        deployment = tomllib.loads((HERE / "deployment.toml").read_text())
        [card] = deployment["activity_wasm"]
        self.assertCountEqual(
            card["allowed_host"],
            [
                {"pattern": f"https://{host}.mixpanel.com", "methods": ["POST"]}
                for host in ("api", "api-eu", "api-in")
            ],
        )

    def test_the_deployment_for_trying_out_differs_in_host_and_lock_alone(self):
        real, trial = (tomllib.loads((HERE / name).read_text()) for name in DEPLOYMENTS)
        for deployment in (real, trial):
            [card] = deployment["activity_wasm"]
            del card["allowed_host"], card["exec"]["lock_expiry"]
        self.assertEqual(real, trial)

    def test_the_servers_differ_in_their_database_alone(self):
        one, several = (tomllib.loads((HERE / name).read_text()) for name in SERVERS)
        self.assertEqual(list(one.pop("database")), ["sqlite"])
        self.assertEqual(list(several.pop("database")), ["postgres"])
        self.assertEqual(one, several)

    def test_lines_of_glue(self):
        figures.note("version", command_line("--version").strip())
        figures.note("how it is loaded", "an activity_wasm entry of deployment.toml, the file as it is")
        figures.note(
            "lines of glue",
            f"{lines_of('deployment.toml')} in deployment.toml, {lines_of('server.toml')} in server.toml",
        )
        self.assertLess(lines_of("deployment.toml", "server.toml"), 40)
