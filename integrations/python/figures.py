"""Prints the figures of the README, of one run: compare them with each other only.

Mixpanel's own library for Python gets the same users and the same server, in the same run.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE, Popen, check_output
from tempfile import TemporaryDirectory
from typing import Any

from mixpanel import BufferedConsumer, Mixpanel
from mixpanel_create_profile import Connection, Input, create_profile, create_profiles

TOKEN = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8"
THREADS = 64


def main() -> None:
    with TemporaryDirectory() as folder:
        compiled, loaded = first_load(folder), min(first_load(folder) for _ in range(3))
    print(f"The component, kept by another process: loaded {compiled / loaded:.0f} times as fast")
    for millis, one_by_one, calls, users, buffered in [
        (100, 20, 4_000, 20_000, 4_000),
        (0, 1_000, 4_000, 20_000, 20_000),
    ]:
        with Popen([sys.executable, __file__, str(millis)], stdout=PIPE, text=True) as server:
            try:
                assert server.stdout
                print(f"A server that answers after {millis} ms; profiles a second:")
                measure(server.stdout.readline().strip(), one_by_one, calls, users, buffered)
            finally:
                server.kill()


def first_load(cache: str) -> float:
    """Seconds, in a process of its own."""
    code = """
import time
from mixpanel_create_profile import card
start = time.perf_counter()
card._card()
print(time.perf_counter() - start)
"""
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    return float(check_output([sys.executable, "-c", code], env=environment))


def measure(origin: str, one_by_one: int, calls: int, users: int, buffered: int) -> None:
    connection: Connection = {"project-token": TOKEN, "region": "eu", "base-url": origin}
    inputs = [user(number) for number in range(users)]

    def call(input: Input) -> None:
        assert create_profile(connection, input) == {"status-code": 200, "reason": None}

    def in_threads() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(call, inputs[:calls]))

    def as_a_list() -> None:
        results = create_profiles(connection, inputs)
        assert results == [{"status-code": 200, "reason": None}] * users

    call(inputs[0])
    print(f"  create_profile, one after another  {a_second(one_by_one, lambda: [call(input) for input in inputs[:one_by_one]]):8,.0f}")
    print(f"  create_profile, {THREADS} threads         {a_second(calls, in_threads):8,.0f}")
    list_ = a_second(users, as_a_list)
    consumer = a_second(buffered, lambda: by_mixpanels_library(origin, buffered))
    print(f"  create_profiles, a list of {users:,}  {list_:8,.0f}")
    print(f"  mixpanel-python's BufferedConsumer {consumer:8,.0f}; the list: {list_ / consumer:.2f} times that")


def a_second(profiles: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return profiles / (time.perf_counter() - start)


def user(number: int) -> Input:
    return {
        "profile": {
            "profile-id": f"user-{number}",
            "ip-address": "203.0.113.7",
            "time": "2026-11-24T09:00:00Z",
        },
        "properties": {
            "first-name": "Ada",
            "last-name": "Lovelace",
            "email": "ada@example.com",
            "created": "2026-11-24T09:00:00Z",
            "custom-properties": '{"plan": "free"}',
            "dynamic-fields": [
                {"name": "seats", "value": {"number": 3}},
                {"name": "trial", "value": {"boolean": True}},
            ],
        },
    }


def by_mixpanels_library(origin: str, users: int) -> None:
    consumer = BufferedConsumer(people_url=f"{origin}/engage")
    mixpanel = Mixpanel(TOKEN, consumer=consumer)
    properties = {
        "$first_name": "Ada",
        "$last_name": "Lovelace",
        "$email": "ada@example.com",
        "$created": "2026-11-24T09:00:00",
        "plan": "free",
        "seats": 3,
        "trial": True,
    }
    meta = {"$ip": "203.0.113.7", "$time": 1795510800}
    for number in range(users):
        mixpanel.people_set_once(f"user-{number}", properties, meta=meta)
    consumer.flush()


async def serve(millis: int) -> None:
    """Answers each request as Mixpanel does, so much later; connections are kept alive."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
                body = await reader.readexactly(int(headers[b"content-length"]))
                good = body.count(b"$distinct_id") + body.count(b"%24distinct_id")
                if millis:
                    await asyncio.sleep(millis / 1_000)
                said: dict[str, Any] = {"error": None, "errors": {}, "num_good_events": good, "status": 1}
                text = json.dumps(said).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1_024, limit=4 << 20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve(int(sys.argv[1])))
    else:
        main()
