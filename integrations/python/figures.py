"""Prints the figures of the README: `figures.py STAND_IN`, the command that has `stand-in`.

Each pair is of one run, against the same server: compare them with each other only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mixpanel import BufferedConsumer, Mixpanel
from mixpanel_create_profile import Connection, Input, create_profile, create_profiles

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "python"))
import stand_in

TOKEN = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8"
THREADS = 64


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


def consumer(origin: str, users: int) -> None:
    """The same users, by Mixpanel's own library."""
    buffered = BufferedConsumer(people_url=f"{origin}/engage?verbose=1")
    mixpanel = Mixpanel(TOKEN, consumer=buffered)
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
    buffered.flush()


def a_second(done: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return done / (time.perf_counter() - start)


def main(command: str) -> None:
    with stand_in.running(command, "--no-record") as server:
        connection: Connection = {
            "project-token": TOKEN,
            "region": "standard",
            "base-url": server.origin,
        }

        def call(number: int) -> None:
            assert create_profile(connection, user(number))["status-code"] == 200

        def calls(number: int) -> None:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(call, range(number)))

        def whole(users: list[Input]) -> None:
            results = create_profiles(connection, users)
            assert len(results) == len(users)
            assert all(isinstance(result, dict) for result in results)

        def in_threads(users: list[Input]) -> None:
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(whole, [users[start::4] for start in range(4)]))

        call(0)
        for millis, many, few in [(100, 20_000, 2_000), (0, 20_000, 20_000)]:
            server.set_faults(*([{"fault": {"delay": {"millis": millis}}}] if millis else []))
            users = [user(number) for number in range(many)]
            print(f"A server that answers after {millis} ms:")
            one = a_second(20 if millis else 1_000, lambda: [call(n) for n in range(20 if millis else 1_000)])
            print(f"  one after another     {one:8,.0f} calls a second")
            print(f"  {THREADS} threads            {a_second(2_000, lambda: calls(2_000)):8,.0f} calls a second")
            list_ = a_second(many, lambda: whole(users))
            print(f"  a list of {many:,}      {list_:8,.0f} profiles a second")
            print(f"  four lists in threads {a_second(many, lambda: in_threads(users)):8,.0f} profiles a second")
            theirs = a_second(few, lambda: consumer(server.origin, few))
            print(f"  BufferedConsumer      {theirs:8,.0f} profiles a second; the list has {list_ / theirs:.1f} times that")


main(sys.argv[1])
