"""Calls that are made, and what comes of them."""

import json
import os
import pickle
import socket
import subprocess
import threading
from collections import ChainMap, UserDict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from conftest import TOKEN, dynamic, user
from mixpanel_create_profile import (
    CardError,
    DeniedError,
    ExecutionFailedError,
    InvalidInputError,
    TransportError,
    card,
    create_profile,
    create_profiles,
    create_profiles_in_parts,
)
from mixpanel_create_profile.errors import is_passing

OK = {"status-code": 200, "reason": None}


def test_a_profile_is_created(stand_in, connection):
    everything = user(
        "user-1",
        profile={"ip-address": "1.2.3.4", "time": "2021-01-20T09:35:08-08:00"},
        name="Zoë",
        first_name=None,
        created="2013-01-01T18:04:05-08:00",
        custom_properties='{"plan": "pro"}',
        dynamic_fields=dynamic(
            key1=("text", "val1"),
            visits=("number", 3),
            score=("number", 0.5),
            subscribed=("boolean", False),
            seen=("date-time", "1611164108"),
            tags=("text-list", ("a", "b")),
        ),
    )
    assert create_profile(connection, everything) == OK
    [request] = stand_in.requests()
    assert json.loads(request["body"]) == [
        {
            "$token": TOKEN,
            "$distinct_id": "user-1",
            "$ip": "1.2.3.4",
            "$time": 1611164108,
            "$set_once": {
                "$name": "Zoë",
                "$created": "2013-01-02T02:04:05",
                "plan": "pro",
                "key1": "val1",
                "visits": 3,
                "score": 0.5,
                "subscribed": False,
                "seen": "2021-01-20T17:35:08",
                "tags": ["a", "b"],
            },
        }
    ]


def test_a_second_call_adds_and_overwrites_nothing(stand_in, connection):
    assert create_profile(connection, user("user 2/ü", name="Joe")) == OK
    assert create_profile(connection, user("user 2/ü", name="Jack", email="joe@example.com")) == OK
    properties = stand_in.profile("user 2/ü")["$properties"]
    assert properties == {"$name": "Joe", "$email": "joe@example.com"}


@pytest.mark.parametrize(
    "given",
    [
        {"profile": {"profile-id": "user-1"}},
        {"profile": {"profile-id": "user-1", "time": None}, "properties": None},
        user(dynamic_fields=None, custom_properties=None, name=None),
    ],
)
def test_what_may_be_left_out_may_be_none(stand_in, connection, given):
    assert create_profile(connection, given) == OK
    [update] = json.loads(stand_in.requests()[0]["body"])
    assert update == {"$token": TOKEN, "$distinct_id": "user-1", "$ip": "0", "$set_once": {}}


def test_a_datetime_with_a_zone_is_a_moment(stand_in, connection):
    pacific = timezone(timedelta(hours=-8))
    moment = datetime(2021, 1, 20, 9, 35, 8, 123456, tzinfo=pacific)
    given = user(
        profile={"time": moment}, created=moment, dynamic_fields=dynamic(seen=("date-time", moment))
    )
    assert create_profile(connection, given) == OK
    [update] = json.loads(stand_in.requests()[0]["body"])
    assert update["$time"] == 1611164108
    assert update["$set_once"] == {"$created": "2021-01-20T17:35:08", "seen": "2021-01-20T17:35:08"}


@pytest.mark.parametrize(
    ("offset", "utc"),
    [
        ({"hours": 5, "minutes": 30, "seconds": 15}, "2021-01-20T04:04:53"),
        ({"hours": -8, "seconds": -1}, "2021-01-20T17:35:09"),
        ({"microseconds": 1}, "2021-01-20T09:35:08"),
        ({"hours": 23, "minutes": 59}, "2021-01-19T09:36:08"),
    ],
)
def test_the_offset_of_a_datetime_may_have_seconds(stand_in, connection, offset, utc):
    moment = datetime(2021, 1, 20, 9, 35, 8, 500000, tzinfo=timezone(timedelta(**offset)))
    assert create_profile(connection, user(created=moment)) == OK
    assert stand_in.profile("user-1")["$properties"] == {"$created": utc}


@pytest.mark.parametrize("kind", [dict, MappingProxyType, ChainMap, UserDict])
def test_custom_properties_may_be_a_mapping(stand_in, connection, kind):
    given = {"plan": "pro", 'a "quoted" name': "ü\u2028"}
    assert create_profile(connection, user(custom_properties=kind(given))) == OK
    assert stand_in.profile("user-1")["$properties"] == given


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500, 502, 503])
def test_another_status_is_returned_with_its_reason(stand_in, connection, status):
    body = json.dumps({"error": "as Mixpanel says", "status": 0})
    stand_in.set_faults({"fault": {"answer": {"status": status, "body": body}}})
    output = create_profile(connection, user(name="Joe"))
    assert output["status-code"] == status
    assert "as Mixpanel says" in output["reason"]


def test_fields_that_break_a_rule_of_the_card_are_named_and_nothing_is_sent(stand_in, connection):
    given = user("null", profile={"ip-address": "localhost"}, avatar="https://example.com/a.svg")
    with pytest.raises(InvalidInputError) as raised:
        create_profile(connection, given)
    error = raised.value
    fields = ["profile.profile-id", "profile.ip-address", "properties.avatar"]
    assert [invalid["field"] for invalid in error.detail] == fields
    assert all(field in str(error) for field in fields)
    assert error.permanent
    assert stand_in.requests() == []
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("fault", ["close", "reset", "garbage"])
def test_a_lost_answer_is_an_error_that_may_be_tried_again(stand_in, connection, fault):
    stand_in.set_faults({"fault": fault})
    with pytest.raises(TransportError) as raised:
        create_profile(connection, user(name="Joe"))
    assert not raised.value.permanent
    assert raised.value.case == "transport"


def test_a_closed_port_is_no_answer(connection):
    # Bound but not listening: nobody else can take the port, and it refuses.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(TransportError, match="refused"):
            create_profile({**connection, "base-url": origin}, user(name="Joe"))


def test_a_certificate_of_an_unknown_authority_is_no_answer(connection):
    command = [os.environ["STAND_IN"], "stand-in", "--tls"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            origin = server.stdout.readline().strip()
            assert origin.startswith("https://127.0.0.1:")
            with pytest.raises(TransportError, match="(?i)tls|certificate"):
                create_profile({**connection, "base-url": origin}, user(name="Joe"))
        finally:
            server.kill()


def test_results_of_a_list_are_in_its_order(stand_in, connection):
    users = [user(f"user-{number}", name="Ada") for number in range(4_500)]
    users[0] = user("null")
    users[2_000] = user("user-2000", email="x" * 256)
    users[4_499] = user("undefined")
    results = create_profiles(connection, iter(users))
    assert len(results) == 4_500
    refused = {index: result for index, result in enumerate(results) if isinstance(result, CardError)}
    assert refused.keys() == {0, 2_000, 4_499}
    assert all(isinstance(error, InvalidInputError) for error in refused.values())
    assert all(result == OK for index, result in enumerate(results) if index not in refused)
    assert stand_in.count() == 4_497
    assert len(stand_in.requests()) == 3


def test_results_come_part_by_part(stand_in, connection):
    users = [user(f"user-{number}") for number in range(4_500)]
    parts = create_profiles_in_parts(connection, users)
    assert stand_in.requests() == []
    for requests, length in enumerate([2_000, 2_000, 500], 1):
        assert next(parts) == [OK] * length
        assert len(stand_in.requests()) == requests
    assert list(parts) == []


def busy(seconds, status=429):
    headers = [["Retry-After", str(seconds)]]
    return {"answer": {"status": status, "headers": headers, "body": '{"error": "busy"}'}}


@pytest.mark.parametrize("status", [429, 503])
def test_a_list_ends_where_the_server_asks_to_wait_longer_than_the_card_does(
    stand_in, connection, status
):
    stand_in.set_faults({"fault": busy(61, status)})
    users = [user(f"user-{number}") for number in range(6_001)]
    users[5_000] = user("long", name="x" * card.ARGUMENT_BYTES)
    results = create_profiles(connection, users)
    assert len(stand_in.requests()) == 1
    said = {"status-code": status, "reason": "busy (the server asks to wait 61 s)"}
    not_sent = {"status-code": status, "reason": "busy; not sent (the server asks to wait 61 s)"}
    assert results[:2_000] == [said] * 2_000
    assert isinstance(results.pop(5_000), InvalidInputError)
    assert results[2_000:] == [not_sent] * 4_000
    assert is_passing(not_sent)


def test_it_ends_within_a_part_as_well(stand_in, connection):
    """The card's own words of a request that it did not send lead to the same for the next part."""
    stand_in.set_faults({"fault": busy(3_600)})
    texts = dynamic(**{f"n{number}": ("text", "x" * 250) for number in range(300)})
    users = [user(f"user-{number}", dynamic_fields=texts) for number in range(100)]
    results = create_profiles(connection, users)
    assert len(stand_in.requests()) == 1
    assert {result["reason"] for result in results} == {
        "busy (the server asks to wait 3600 s)",
        "busy; not sent (the server asks to wait 3600 s)",
    }


@pytest.mark.parametrize(
    "fault",
    [busy(60), busy(61, 401), busy(61, 501), {"answer": {"status": 429, "body": "asks to wait 99 s"}}],
)
def test_it_goes_on_where_that_may_help(stand_in, connection, fault):
    stand_in.set_faults({"fault": fault, "times": 1})
    results = create_profiles(connection, [user(f"user-{number}") for number in range(2_001)])
    assert results[0] != OK
    assert results[2_000] == OK


@pytest.mark.parametrize("fault", ["close", busy(0, 503)])
def test_a_server_that_is_out_of_reach_is_not_asked_for_ever(stand_in, connection, fault):
    """As within a call of the card: no retries until a request gets through."""
    stand_in.set_faults({"fault": fault, "times": 4})
    users = [user(f"user-{number}") for number in range(8_001)]
    users[1] = user("null")
    parts = create_profiles_in_parts({**connection, "max-retries": 1}, users)
    requests = []
    for results in parts:
        requests.append(len(stand_in.requests()))
        if len(requests) == 3:
            assert all(map(is_passing, results))
            # It has got through: the fifth request is tried again.
            assert next(parts) == [OK] * 2_000
            stand_in.set_faults({"fault": fault, "times": 1})
    # Two attempts for the first part, one for the second and the third each.
    assert requests[:3] == [2, 3, 4]
    assert len(stand_in.requests()) == 7
    assert results == [OK]


@pytest.mark.parametrize(
    ("status", "passing"),
    [(status, True) for status in (408, 425, 429, 500, 502, 503, 504, 506, 599)]
    + [(status, False) for status in (200, 302, 400, 401, 403, 404, 413, 451, 501, 505, 600)],
)
def test_what_may_succeed_later(status, passing):
    assert is_passing({"status-code": status, "reason": "as Mixpanel says"}) is passing


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (TransportError("refused"), True),
        (ExecutionFailedError(), True),
        (DeniedError("no"), False),
        (InvalidInputError([]), False),
    ],
)
def test_which_errors_may_pass(error, passing):
    assert is_passing(error) is passing


def test_an_empty_list_sends_nothing(stand_in, connection):
    assert create_profiles(connection, []) == []
    assert stand_in.requests() == []


def test_a_list_of_large_profiles_is_cut(stand_in, connection):
    texts = dynamic(**{f"n{number}": ("text", "x" * 250) for number in range(1_900)})
    users = [user(f"user-{number}", dynamic_fields=texts) for number in range(30)]
    assert create_profiles(connection, users) == [OK] * 30
    assert stand_in.count() == 30


@pytest.mark.parametrize("inputs", [[user(name="Joe")] * 3, []])
def test_an_invalid_connection_is_an_error_of_the_whole_list(stand_in, connection, inputs):
    with pytest.raises(InvalidInputError, match=r"connection\.max-retries"):
        create_profiles({**connection, "max-retries": 11}, inputs)
    with pytest.raises(InvalidInputError, match=r"connection\.project-token"):
        create_profiles({**connection, "project-token": " "}, inputs)
    assert stand_in.requests() == []


def test_a_trap_ends_its_call_and_no_other(stand_in, connection, monkeypatch):
    large = user(dynamic_fields=dynamic(**{f"n{n}": ("text", "x" * 250) for n in range(1_900)}))
    with monkeypatch.context() as patch:
        patch.setattr(card, "MEMORY_BYTES", 1_500_000)
        with pytest.raises(ExecutionFailedError) as raised:
            create_profile(connection, large)
        assert not raised.value.permanent
        results = create_profiles(connection, [large, large])
        assert [type(result) for result in results] == [ExecutionFailedError] * 2
    assert create_profile(connection, large) == OK


def test_threads_call_at_the_same_time(connection):
    """The server answers nobody before all have asked."""
    threads = 64
    answer = json.dumps({"error": None, "errors": {}, "num_good_events": 1, "status": 1}).encode()
    all_have_asked = threading.Barrier(threads, timeout=25)

    def serve(accepted):
        with accepted, accepted.makefile("rb") as request:
            length = 0
            for line in iter(request.readline, b"\r\n"):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            request.read(length)
            all_have_asked.wait()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n"
            accepted.sendall(head.encode() + answer)

    with socket.create_server(("127.0.0.1", 0), backlog=threads) as server:
        to_server = {**connection, "base-url": f"http://127.0.0.1:{server.getsockname()[1]}"}
        with ThreadPoolExecutor(threads) as servers, ThreadPoolExecutor(threads) as callers:
            calls = [
                callers.submit(create_profile, to_server, user(f"user-{number}"))
                for number in range(threads)
            ]
            for _ in range(threads):
                servers.submit(serve, server.accept()[0])
            assert [call.result() for call in calls] == [OK] * threads


def test_memory_does_not_grow_with_calls(stand_in, connection):
    def resident_bytes():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    def calls(number):
        for _ in range(number):
            create_profile(connection, user(name="Joe", dynamic_fields=dynamic(a=("text", "x" * 200))))

    calls(300)
    before = resident_bytes()
    calls(1_500)
    assert resident_bytes() - before < 6_000_000

