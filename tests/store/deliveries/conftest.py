"""A consumer whose changes are delivered."""

import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from tests.support.subscribers import Subscriber, subscribe
from tests.support.tenants import StoreTenant


@pytest.fixture
async def shop(pool: Pool, catalog: Catalog, tenant: StoreTenant) -> Subscriber:
    """A consumer of categories, with a webhook that has consented."""
    await subscribe(pool, tenant.name, "shop", {"kind": "category"})
    return Subscriber(pool, catalog, tenant.name)
