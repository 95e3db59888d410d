"""What docs/hosts.md says of jco's shim: another version may behave better."""

import json
import subprocess

import pytest
from hosts import HERE, NODE, TIMEOUT_SECONDS


def node(origin, *arguments):
    """What it prints."""
    if missing := NODE.missing():
        pytest.skip(f"{NODE.name}: not installed: {', '.join(map(str, missing))}")
    with NODE.spawn(origin, command=["node", *arguments], stdout=subprocess.PIPE) as process:
        return process.communicate(timeout=TIMEOUT_SECONDS)[0]


def calls(origin, count):
    """The results of so many calls, one after the other."""
    lines = node(origin, HERE / "jco/loop.mjs", str(count)).splitlines()
    return [json.loads(line) for line in lines]


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
    assert result["tag"] == "transport"
    assert "no connection within 10 seconds" in result["val"]


def test_a_call_blocks_its_thread(stand_in):
    stand_in.set_faults({"fault": {"delay": {"millis": 1000}}})
    # How long nothing else has run while the call was under way.
    script = """
        import { createProfile } from "./tests/hosts/jco/embed.mjs";
        let last = performance.now();
        let longest = 0;
        const look = () => {
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
        };
        const timer = setInterval(look, 1);
        const baseUrl = process.env.MIXPANEL_BASE_URL;
        const connection = { projectToken: "t", region: "eu", baseUrl };
        const input = { profile: { profileId: "user-1" }, properties: { dynamicFields: [] } };
        await createProfile(connection, input);
        look();
        clearInterval(timer);
        console.log(longest);
    """
    assert float(node(stand_in.origin, "--input-type=module", "--eval", script)) >= 1000
