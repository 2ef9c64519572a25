"""Fixtures: tenants that record facts in the database of the test."""

import pytest

from store.db.pool import Pool
from store.migrate import migrate
from tests.support.tenants import ARCHIVE, CLINIC, LIBRARY, YARD, StoreTenant


@pytest.fixture
def tenant(pool: Pool) -> StoreTenant:
    """A tenant with the project's own declarations."""
    return StoreTenant(pool)


@pytest.fixture
async def yard(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of the yard as well: a kind that is parent and child of itself, and a chain."""
    await migrate(pool, YARD)
    return StoreTenant(pool, YARD)


@pytest.fixture
async def archive(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of the archive as well: folders in folders, which are deleted with them."""
    await migrate(pool, ARCHIVE)
    return StoreTenant(pool, ARCHIVE)


@pytest.fixture
async def clinic(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of the clinic as well, where everything may turn out to be the same."""
    await migrate(pool, CLINIC)
    return StoreTenant(pool, CLINIC)


@pytest.fixture
async def library(pool: Pool) -> StoreTenant:
    """A tenant with the declarations of the library as well: many to many, by lists of children and of parents."""
    await migrate(pool, LIBRARY)
    return StoreTenant(pool, LIBRARY)
