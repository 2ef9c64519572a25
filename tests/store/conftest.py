"""Tenants that record facts in this test's database."""

import pytest

from store.db.pool import Pool
from store.migrate import migrate
from tests.support.tenants import YARD, Tether


@pytest.fixture
def tether(pool: Pool) -> Tether:
    """With the project's own declarations."""
    return Tether(pool)


@pytest.fixture
async def yard(pool: Pool) -> Tether:
    """With those of the yard as well: a kind that is parent and child of itself, and a chain on top of it."""
    await migrate(pool, YARD)
    return Tether(pool, YARD)
