"""The card in each host of docs/hosts.md, run as that page shows it, against a stand-in.

A call that a host makes itself is tried again by the card, as its connection says nothing else.
"""

import re
import time

import pytest
from hosts import HOSTS, PROFILE_ID, ROOT, TOKEN, WASMCLOUD

PROPERTIES = {"$name": "Ada Lovelace", "$email": "ada@example.com"}


@pytest.fixture(params=HOSTS, ids=lambda host: host.name)
def host(request):
    missing = request.param.missing()
    if missing:
        pytest.skip(f"{request.param.name}: not installed: {', '.join(map(str, missing))}")
    return request.param


def status_code(said):
    """The first number of three digits is it, however a host prints its records."""
    found = re.search(r"\b[1-5]\d\d\b", said)
    assert found, said
    return int(found[0])


def assert_the_profile_is_there(stand_in):
    assert stand_in.count() == 1
    assert stand_in.profile(PROFILE_ID)["$properties"] == PROPERTIES


def wait_for_requests(stand_in, count):
    deadline = time.monotonic() + 60
    while len(stand_in.requests()) < count:
        assert time.monotonic() < deadline, "no request came"
        time.sleep(0.01)


def test_a_profile_is_created(host, stand_in):
    with host.running(stand_in.origin) as calls:
        assert status_code(calls.call()) == 200
    assert_the_profile_is_there(stand_in)


def test_a_refusal_reaches_the_caller_with_its_reason(host, stand_in):
    answer = {"status": 400, "body": '{"error":"as Mixpanel says","status":0}'}
    stand_in.set_faults({"fault": {"answer": answer}})
    with host.running(stand_in.origin) as calls:
        said = calls.call()
    assert status_code(said) == 400
    assert "as Mixpanel says" in said
    assert TOKEN not in said
    assert stand_in.count() == 0


def test_a_lost_connection_is_tried_again(host, stand_in):
    stand_in.set_faults({"fault": "reset", "times": 1})
    with host.running(stand_in.origin) as calls:
        assert status_code(calls.call()) == 200
    assert len(stand_in.requests()) == 2
    assert_the_profile_is_there(stand_in)


def test_a_call_that_was_killed_can_be_made_again(host, stand_in):
    stand_in.set_faults({"fault": "hang", "store": True, "times": 1})
    with host.running(stand_in.origin) as calls:
        calls.begin()
        wait_for_requests(stand_in, 1)
        calls.kill()
    with host.running(stand_in.origin) as calls:
        assert status_code(calls.call()) == 200
    assert len(stand_in.requests()) == 2
    assert_the_profile_is_there(stand_in)


def test_wasmcloud_denies_an_origin_that_is_not_allowed(stand_in, monkeypatch):
    if WASMCLOUD.missing():
        pytest.skip("wasmCloud: not installed")
    monkeypatch.setattr(WASMCLOUD, "allowed", "https://api-eu.mixpanel.com")
    with WASMCLOUD.running(stand_in.origin) as calls:
        said = calls.call()
    assert "PermanentDenied" in said
    assert stand_in.origin.removeprefix("http://") in said
    assert stand_in.requests() == []


def test_the_docs_show_the_files_that_are_run():
    docs = (ROOT / "docs/hosts.md").read_text()
    # Each block is the file that the last link before it leads to; the one in Rust is tested with cargo.
    parts = re.split(r"```(?!rust)\w+\n(.*?)```\n", docs, flags=re.DOTALL)
    files = [re.findall(r"\]\(\.\./(.*?)\)", before)[-1] for before in parts[:-1:2]]
    assert files == [
        "tests/hosts/wasmtime/run.sh",
        "tests/python/embed.py",
        "tests/hosts/jco/embed.mjs",
        "tests/hosts/http/serve.sh",
        "tests/hosts/wasmcloud/.wash/config.yaml",
    ]
    for file, code in zip(files, parts[1::2], strict=True):
        assert code == (ROOT / file).read_text(), file
