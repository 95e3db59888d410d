"""What the tests share. The environment says what to run: STAND_IN, the command that has `stand-in`."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "python"))

import stand_in as stand_in_for_mixpanel

TOKEN = "9d1c0f5a-the-token-of-the-tests"


def pytest_configure(config):
    for name in ("STAND_IN", "WHEEL"):
        if name not in os.environ:
            pytest.exit(f"{name} is not set: run test.sh", returncode=2)


@pytest.fixture
def stand_in():
    with stand_in_for_mixpanel.running(os.environ["STAND_IN"]) as running:
        yield running


@pytest.fixture
def connection(stand_in):
    return {
        "project-token": TOKEN,
        "region": "standard",
        "base-url": stand_in.origin,
        "max-retries": 0,
    }


def user(profile_id="user-1", profile=None, **properties):
    """An input; names of properties with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in properties.items()}
    return {"profile": {"profile-id": profile_id, **(profile or {})}, "properties": named}


def dynamic(**values):
    """Dynamic fields, each as `name=(case, value)`."""
    return [{"name": name, "value": {case: value}} for name, (case, value) in values.items()]
