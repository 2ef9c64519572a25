"""API keys: names of tenants and keys have limits, which those that are there already need not keep."""

import pytest

from catalog import limits
from catalog.catalog import Catalog
from config import Settings
from errors import BadDeclaration, Refused
from store.db import credentials
from store.db.pool import Pool


async def test_names_beyond_their_limits_are_refused(pool: Pool) -> None:
    await credentials.add(pool, "t" * limits.TENANT, "n" * limits.CREDENTIAL, "read")
    with pytest.raises(Refused, match=f"longer than {limits.TENANT} bytes: it has {limits.TENANT + 1}"):
        await credentials.add(pool, "t" * (limits.TENANT + 1), "n", "read")
    with pytest.raises(Refused, match=f"longer than {limits.TENANT} bytes: it has 66"):
        await credentials.add(pool, "é" * 11, "n", "read")
    with pytest.raises(Refused, match=f"longer than {limits.CREDENTIAL} bytes: it has {limits.CREDENTIAL + 2}"):
        await credentials.add(pool, "main", "é" * (limits.CREDENTIAL // 2 + 1), "read")


async def test_long_tenant_of_the_settings_is_taken_only_if_it_is_known(pool: Pool, catalog: Catalog) -> None:
    tenant = "t" * (limits.TENANT + 1)
    settings = Settings(tenant=tenant, admin_key="k" * 32)
    with pytest.raises(BadDeclaration, match="TETHER_TENANT"):
        await credentials.provide(pool, catalog, settings)
    async with pool.acquire() as conn:
        await credentials.create(conn, tenant, "earlier", "admin")
    await credentials.provide(pool, catalog, settings)
    assert tenant in await credentials.tenants(pool)
