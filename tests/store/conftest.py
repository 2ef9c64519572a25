"""Tenants that record facts in this test's database."""

import pytest

from store.db.pool import Pool
from store.migrate import migrate
from tests.support.tenants import YARD, StoreTenant


@pytest.fixture
def tenant(pool: Pool) -> StoreTenant:
    """With the project's own declarations."""
    return StoreTenant(pool)


@pytest.fixture
async def yard(pool: Pool) -> StoreTenant:
    """With those of the yard as well: a kind that is parent and child of itself, and a chain on top of it."""
    await migrate(pool, YARD)
    return StoreTenant(pool, YARD)
