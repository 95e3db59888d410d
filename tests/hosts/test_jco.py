"""What docs/hosts.md says of jco's shim: another version may behave better."""

import json
import subprocess

import pytest
from hosts import HERE, NODE


def calls(origin, count):
    if missing := NODE.missing():
        pytest.skip(f"{NODE.name}: not installed: {', '.join(map(str, missing))}")
    with NODE.spawn(
        origin, command=["node", HERE / "jco/loop.mjs", str(count)], stdout=subprocess.PIPE
    ) as process:
        return [json.loads(line) for line in process.stdout]


def test_a_reset_is_called_a_violation_of_http(stand_in):
    stand_in.set_faults({"fault": "reset"})
    [result] = calls(stand_in.origin, 1)
    assert result["tag"] == "transport"
    assert "not HTTP" in result["val"]


def test_an_answer_that_is_broken_off_traps_and_the_next_call_works(stand_in):
    stand_in.set_faults({"fault": "cut-off", "times": 1})
    first, second = calls(stand_in.origin, 2)
    assert "invalid variant tag" in first["trap"]
    assert second["statusCode"] == 200


def test_ten_seconds_to_the_first_byte_are_called_a_missing_connection(stand_in):
    stand_in.set_faults({"fault": "hang", "times": 1})
    [result] = calls(stand_in.origin, 1)
    assert result == {"tag": "transport", "val": result["val"]}
    assert "no connection within 10 seconds" in result["val"]
