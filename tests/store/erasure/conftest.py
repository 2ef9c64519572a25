"""An eraser of one tenant's entities."""

from dataclasses import dataclass

import pytest

from store.db.pool import Pool
from store.erasure import entity, requests, traces, vacuum
from store.erasure.requests import ErasureRow
from tests.support.tenants import StoreTenant


@dataclass
class Eraser:
    """Erases entities as the workflow does, without an owner."""

    pool: Pool
    tenant: StoreTenant

    async def request(
        self, kind: str, key: str, idempotency_key: str | None = None, *, rewrite: bool = False
    ) -> ErasureRow:
        """Requests an erasure."""
        return await requests.request(
            self.pool,
            self.tenant.catalog,
            self.tenant.name,
            kind,
            key,
            reason="",
            rewrite=rewrite,
            actor="test",
            idempotency_key=idempotency_key,
        )

    async def erase(self, kind: str, key: str, *, rewrite: bool = False) -> ErasureRow:
        """Erases an entity; returns what the certificate is made of."""
        row = await self.empty(kind, key, rewrite=rewrite)
        assert [table async for table in vacuum.vacuum(self.pool, row)]
        return await self.certificate(row.id)

    async def empty(self, kind: str, key: str, *, rewrite: bool = False) -> ErasureRow:
        """Empties the rows of an entity, and leaves the files of the tables as they are."""
        id = (await self.request(kind, key, rewrite=rewrite)).id
        row = await entity.erase(self.pool, self.tenant.catalog, self.tenant.name, id)
        assert [rows async for rows in traces.erase(self.pool, self.tenant.catalog, row)]
        return row

    async def certificate(self, id: str) -> ErasureRow:
        """The row of an erasure."""
        async with self.pool.acquire() as conn:
            return await requests.find(conn, self.tenant.name, id)


@pytest.fixture
def eraser(pool: Pool, tenant: StoreTenant) -> Eraser:
    """Of a tenant with the project's own declarations."""
    return Eraser(pool, tenant)
