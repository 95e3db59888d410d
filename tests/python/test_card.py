"""The component in a host that is not ours: wasmtime's Python package.

The environment says what to run: COMPONENT, the built component, and STAND_IN, the command that has
the `stand-in` subcommand.
"""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import stand_in as stand_in_for_mixpanel
from embed import INTERFACE, Card, record
from wasmtime.component import Record, Variant

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "project-token-of-the-tests"


def connection(base_url):
    return record(project_token=TOKEN, region="standard", base_url=base_url, max_retries=0)


def card_input(profile_id, ip_address=None, time=None, dynamic_fields=None, **properties):
    names = [
        "avatar",
        "name",
        "first_name",
        "last_name",
        "created",
        "email",
        "phone",
        "custom_properties",
    ]
    unknown = properties.keys() - names
    assert not unknown, unknown
    dynamic_fields = [
        record(name=name, value=value) for name, value in (dynamic_fields or {}).items()
    ]
    return record(
        profile=record(profile_id=profile_id, ip_address=ip_address, time=time),
        properties=record(
            **{name: properties.get(name) for name in names}, dynamic_fields=dynamic_fields
        ),
    )


def from_environment(name):
    path = os.environ.get(name)
    if not path:
        pytest.fail(f"{name} is not set: run `make test-python`", pytrace=False)
    path = Path(path).resolve()
    if not path.is_file():
        pytest.fail(f"{name}: there is no file {path}", pytrace=False)
    return path


@pytest.fixture(scope="session")
def card():
    return Card(from_environment("COMPONENT"))


@pytest.fixture
def stand_in():
    with stand_in_for_mixpanel.running(from_environment("STAND_IN")) as running:
        yield running


def assert_ok(result, status_code):
    assert isinstance(result, Record), result
    assert getattr(result, "status-code") == status_code, result.reason
    assert (result.reason is None) == (200 <= status_code <= 299), result.reason


def test_the_host_gives_all_that_the_card_asks_for(card):
    imports = {name.split("@")[0] for name in card.component.type.imports(card.engine)}
    assert {"wasi:http/types", "wasi:http/outgoing-handler"} <= imports
    assert imports <= {
        "wasi:clocks/monotonic-clock",
        "wasi:http/outgoing-handler",
        "wasi:http/types",
        "wasi:io/error",
        "wasi:io/poll",
        "wasi:io/streams",
    }
    assert sorted(card.component.type.exports(card.engine)) == [
        "mixpanel:cards/connections@0.1.0",
        INTERFACE,
    ]


def test_the_example_creates_a_profile(stand_in):
    environment = {"MIXPANEL_PROJECT_TOKEN": TOKEN, "MIXPANEL_BASE_URL": stand_in.origin}
    printed = subprocess.run(
        [sys.executable, Path(__file__).with_name("embed.py")],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert printed == "200 \n"
    properties = stand_in.profile("user-4711")["$properties"]
    assert properties == {"$name": "Ada Lovelace", "$email": "ada@example.com"}


def test_a_profile_is_created(card, stand_in):
    result = card.create_profile(
        connection(stand_in.origin),
        card_input(
            "user1",
            ip_address="1.2.3.4",
            time="2021-01-20T09:35:08-08:00",
            name="Zoë",
            created="2013-01-01T18:04:05-08:00",
            custom_properties='{"plan": "pro"}',
            dynamic_fields={
                "key1": Variant("text", "val1"),
                "visits": Variant("number", 3.0),
                "subscribed": Variant("boolean", False),
                "seen": Variant("date-time", "1611164108"),
                "tags": Variant("text-list", ["a", "b"]),
            },
        ),
    )
    assert_ok(result, 200)
    [request] = stand_in.requests()
    assert (request["method"], request["target"]) == ("POST", "/engage?ip=0&verbose=1&strict=1")
    assert json.loads(request["body"]) == [
        {
            "$token": TOKEN,
            "$distinct_id": "user1",
            "$ip": "1.2.3.4",
            "$time": 1611164108,
            "$set_once": {
                "$name": "Zoë",
                "$created": "2013-01-02T02:04:05",
                "plan": "pro",
                "key1": "val1",
                "visits": 3,
                "subscribed": False,
                "seen": "2021-01-20T17:35:08",
                "tags": ["a", "b"],
            },
        }
    ]
    assert stand_in.profile("user1") is not None


def test_a_second_call_adds_and_overwrites_nothing(card, stand_in):
    first = card_input("user 2/ü", name="Joe", custom_properties='{"plan": "free"}')
    second = card_input(
        "user 2/ü", name="Jack", email="joe@example.com", custom_properties='{"plan": "pro"}'
    )
    assert_ok(card.create_profile(connection(stand_in.origin), first), 200)
    assert_ok(card.create_profile(connection(stand_in.origin), second), 200)
    assert len(stand_in.requests()) == 2
    properties = stand_in.profile("user 2/ü")["$properties"]
    assert properties == {"$name": "Joe", "plan": "free", "$email": "joe@example.com"}


def test_all_faults_are_reported_at_once_and_nothing_is_sent(card, stand_in):
    result = card.create_profile(
        connection(stand_in.origin),
        card_input(
            "anon",
            ip_address="localhost",
            time="2021-01-20",
            avatar="https://example.com/avatar.svg",
            custom_properties='{"plan": 1}',
            dynamic_fields={"score": Variant("number", float("nan"))},
        ),
    )
    assert isinstance(result, Variant), result
    assert result.tag == "permanent-invalid-input"
    faults = {fault.field: fault.reason for fault in result.payload}
    assert faults.keys() >= {
        "profile.profile-id",
        "profile.ip-address",
        "profile.time",
        "properties.avatar",
        "properties.custom-properties.plan",
    }
    assert any(field.startswith("properties.dynamic-fields") for field in faults), faults
    assert all(faults.values()), faults
    assert TOKEN not in repr(faults)
    assert stand_in.requests() == []
    assert stand_in.profile("anon") is None


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500, 502, 503, 504])
def test_another_status_is_returned_with_its_reason(card, stand_in, status):
    body = json.dumps({"error": "as Mixpanel says", "status": 0})
    stand_in.set_faults({"fault": {"answer": {"status": status, "body": body}}})
    result = card.create_profile(connection(stand_in.origin), card_input("user1", name="Joe"))
    assert_ok(result, status)
    assert "as Mixpanel says" in result.reason
    assert len(stand_in.requests()) == 1
    assert stand_in.profile("user1") is None


def test_a_refusal_inside_a_200_is_a_400(card, stand_in):
    body = json.dumps({"error": "$token, missing or empty", "status": 0})
    stand_in.set_faults({"fault": {"answer": {"status": 200, "body": body}}})
    result = card.create_profile(connection(stand_in.origin), card_input("user1", name="Joe"))
    assert_ok(result, 400)
    assert "$token, missing or empty" in result.reason


def test_a_closed_port_is_a_transport_error(card):
    # Bound but not listening: nobody else can take the port, and it refuses.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
        result = card.create_profile(connection(origin), card_input("user1", name="Joe"))
    assert isinstance(result, Variant), result
    assert result.tag == "transport"
    assert "refused" in result.payload
    assert TOKEN not in result.payload


@pytest.mark.parametrize("fault", ["close", "reset", "garbage"])
def test_a_lost_answer_is_a_transport_error(card, stand_in, fault):
    stand_in.set_faults({"fault": fault})
    result = card.create_profile(connection(stand_in.origin), card_input("user1", name="Joe"))
    assert isinstance(result, Variant), result
    assert result.tag == "transport"
    assert result.payload
    assert TOKEN not in result.payload


def test_an_answer_that_is_cut_off_is_a_502(card, stand_in):
    stand_in.set_faults({"fault": "cut-off"})
    result = card.create_profile(connection(stand_in.origin), card_input("user1", name="Joe"))
    assert_ok(result, 502)
    assert len(stand_in.requests()) == 1
