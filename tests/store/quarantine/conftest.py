"""Runs on the quarantine of a tenant."""

import pytest

from tests.support.redriving import Redrives
from tests.support.tenants import StoreTenant


@pytest.fixture
def redrives(tenant: StoreTenant) -> Redrives:
    return Redrives(tenant)
