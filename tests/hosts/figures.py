"""Prints the figures of docs/hosts.md: one call after the other in each host that is installed.

The first call counts from nothing: the host starts, loads the card and calls it. Where the command
of a host makes one call, each later one is a process too, and so starts from nothing as well. Since
the machine may be busy with something else, the quickest of several rounds counts.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

import stand_in as stand_in_for_mixpanel
from hosts import HERE, IN_PYTHON, NODE, ROOT, RUST, SERVE, WASMCLOUD, WASMTIME, Command

ROUNDS = 3
PROCESSES = 10
CALLS = 200
# Where 200 would be over before the clock could tell.
QUICK_CALLS = 2000

HARNESS = Command(
    "host harness, in Rust too",
    [ROOT / os.environ["STAND_IN"], "run"],
    version=RUST.version_command,
    glue=[],
)


def each_call_a_process(host, origin):
    """The time after each call."""
    for _ in range(PROCESSES):
        with host.running(origin) as calls:
            assert "200" in calls.call()
        yield time.monotonic()


def lines_of(host, origin, command):
    """The time after each line, which is one call."""
    with host.spawn(origin, command=command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            assert "200" in line, line
            yield time.monotonic()


def requests_to(host, origin):
    """The time after each answer."""
    with host.running(origin) as calls:
        for _ in range(CALLS):
            assert calls.call().startswith("200")
            yield time.monotonic()


def in_harness(host, origin):
    file = ROOT / "examples/new-profile.json"
    with tempfile.TemporaryDirectory() as empty_cache:
        options = ["--base-url", origin, "--cache", empty_cache] + ["--input", file] * QUICK_CALLS
        yield from lines_of(host, origin, [*host.command, *options])


def in_python(host, origin):
    return lines_of(host, origin, [sys.executable, HERE / "loop.py", str(QUICK_CALLS)])


def in_node(host, origin):
    return lines_of(host, origin, ["node", HERE / "jco/loop.mjs", str(CALLS)])


WAYS = [
    (WASMTIME, each_call_a_process),
    (RUST, each_call_a_process),
    (HARNESS, in_harness),
    (IN_PYTHON, in_python),
    (NODE, in_node),
    (SERVE, requests_to),
    (WASMCLOUD, requests_to),
]


def measure(host, way):
    """Seconds of the first call, and of a later one."""
    with stand_in_for_mixpanel.running(ROOT / os.environ["STAND_IN"], "--no-record") as stand_in:
        times = [time.monotonic()]
        with contextlib.closing(way(host, stand_in.origin)) as calls:
            times.extend(calls)
    start, first, *_, last = times
    return first - start, (last - first) / (len(times) - 2)


def main():
    print(
        "Figures of this run; times are of one machine and moment, so compare them with each other:"
    )
    for host, way in WAYS:
        missing = host.missing()
        if missing:
            print(f"  {host.name}: skipped, not installed: {', '.join(map(str, missing))}")
            continue
        rounds = [measure(host, way) for _ in range(ROUNDS)]
        first, later = (min(seconds) for seconds in zip(*rounds, strict=True))
        glue = f"{host.lines()} lines, " if host.glue else ""
        print(
            f"  {host.name} {host.version()}: {glue}first call {first / later:.0f} times a later "
            f"one, {1 / later:.0f} calls a second"
        )


main()
