"""What the tests share. The environment says what to run: STAND_IN, the command that has `stand-in`."""

import json
import os
import sys
from pathlib import Path

import pytest
from running_airflow import Airflow

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "python"))

import stand_in as stand_in_for_mixpanel

TOKEN = "9d1c0f5a-the-token-of-the-tests"


@pytest.fixture(scope="session")
def mixpanel():
    """The stand-in that the connection of the tests leads to."""
    with stand_in_for_mixpanel.running(os.environ["STAND_IN"], "--token", TOKEN) as running:
        yield running


@pytest.fixture
def stand_in(mixpanel):
    mixpanel.set_faults()
    yield mixpanel
    mixpanel.set_faults()


@pytest.fixture(scope="session")
def airflow(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    with Airflow(home).running() as running:
        yield running


@pytest.fixture(scope="session")
def connection(airflow, mixpanel):
    """The connection that operators use where none is named."""
    extra = {"region": "eu", "base-url": mixpanel.origin, "max-retries": 0}
    body = {
        "connection_id": "mixpanel_default",
        "conn_type": "mixpanel",
        "password": TOKEN,
        "extra": json.dumps(extra),
    }
    airflow.call("POST", "/api/v2/connections", body)
