"""Users a second of the workflow, beside the one that called the card once for each user.

    python3 integrations/obelisk/tests/figures.py

That one is built from this repository's history, with the names of Obelisk's newer WIT packages;
both run in one server with SQLite, in turns, against one stand-in that answers at once. Needs what
make test-obelisk needs and has built.
"""

import os
import shutil
import statistics
import subprocess
import time

from inputs import connection, small_user
from obelisk import HERE, IMPORT_USERS, Server
from processes import FOLDER, end_all
from stand_in import ROOT, StandIn

BEFORE = "c69acbb"
"""The last commit whose workflow called the card once for each user."""

BEFORE_IMPORT_USERS = IMPORT_USERS.replace("flows", "flows-before")

# What it awaited came with the id of the execution; today, that is asked for afterwards.
AWAIT_NEXT = """{
            let answer = create_profile_await_next(&calls).ok()?;
            match calls.last_id()? {
                crate::obelisk::types::execution::ResponseId::ExecutionId(id) => Some((id, answer)),
                crate::obelisk::types::execution::ResponseId::DelayId(_) => None,
            }
        }"""

# Of one execution; the former workflow took no more than so many.
BEFORE_USERS, USERS = 1_000, 10_000

ROUNDS = 3


def former_workflow():
    """Builds it, and gives the component."""
    folder = ROOT / "target/obelisk-figures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = "integrations/obelisk/workflow"
    archive = subprocess.run(
        ["git", "archive", BEFORE, path, "scripts"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x"], cwd=folder, check=True, input=archive.stdout)
    workflow = folder / path
    shutil.copytree(HERE / "workflow/wit/deps", workflow / "wit/deps")
    for file, changes in {
        # Another name, so that both may be in one deployment; and Obelisk's packages of today.
        "wit/flow.wit": (
            ("mixpanel:flows@", "mixpanel:flows-before@"),
            ("workflow-support@5.1.0", "workflow-support@6.0.0"),
        ),
        "src/lib.rs": (
            ("mixpanel::flows::", "mixpanel::flows_before::"),
            ("Duration::Milliseconds(wait)))", "Duration::Milliseconds(wait)), None)"),
            ("create_profile_await_next(&calls).ok()", AWAIT_NEXT),
        ),
    }.items():
        text = (workflow / file).read_text()
        for old, new in changes:
            assert old in text, f"{file} has no {old!r}"
            text = text.replace(old, new)
        (workflow / file).write_text(text)
    target = folder / "target"
    subprocess.run(
        [workflow / "scripts/build-component.sh"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
    )
    return target / "wasm32-unknown-unknown/component/mixpanel_import_users.wasm"


def deployment(former):
    """deployment.stand-in.toml with the former workflow beside the other."""
    components = FOLDER / "components"
    shutil.copytree(HERE / "components", components)
    shutil.copy(former, components / "before.wasm")
    text = (HERE / "deployment.stand-in.toml").read_text()
    start = text.index("[[workflow_wasm]]")
    second = text[start:].replace("mixpanel_import_users", "before")
    second = second.replace("mixpanel-import-users.wasm", "before.wasm")
    made = FOLDER / "deployment.toml"
    made.write_text(f"{text}\n{second}")
    return made


def run(server, stand_in, function, users):
    """Seconds, calls of the card and requests of one execution."""
    stand_in.forget_requests()
    start = time.monotonic()
    execution = server.submit(function, connection(stand_in.origin), users)
    kind, report = server.result(execution, 600)
    seconds = time.monotonic() - start
    assert (kind, report["created"]) == ("ok", len(users)), report
    return seconds, len(server.derived(execution)), len(stand_in.requests())


def main():
    server = Server("figures", deployment=deployment(former_workflow()))
    stand_in = StandIn()
    kinds = {
        f"{BEFORE}: a call for each user": (BEFORE_IMPORT_USERS, BEFORE_USERS),
        "now: calls of up to 500 KB": (IMPORT_USERS, USERS),
    }
    measured = {kind: [] for kind in kinds}
    for turn in range(ROUNDS):
        for kind, (function, count) in kinds.items():
            users = [small_user(f"{turn}-{count}-{i}") for i in range(count)]
            measured[kind].append(run(server, stand_in, function, users))

    print(f"Medians of {ROUNDS} executions each, in turns, on one server with SQLite:\n")
    print("| workflow | users | seconds | users/s | calls of the card | requests |")
    print("| --- | --- | --- | --- | --- | --- |")
    rates = []
    for kind, (_, count) in kinds.items():
        seconds, calls, requests = map(statistics.median, zip(*measured[kind]))
        rates.append(count / seconds)
        print(f"| {kind} | {count} | {seconds:.2f} | {rates[-1]:.0f} | {calls:.0f} | {requests:.0f} |")
    print(f"\n{rates[1] / rates[0]:.0f} times as many users a second")


if __name__ == "__main__":
    try:
        main()
    finally:
        end_all()
    shutil.rmtree(FOLDER)
