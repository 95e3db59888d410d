"""What the tests of hosts share."""

import os

import pytest
import stand_in as stand_in_for_mixpanel
from hosts import ROOT


@pytest.fixture
def stand_in():
    with stand_in_for_mixpanel.running(ROOT / os.environ["STAND_IN"]) as running:
        yield running
