"""Facts to be delivered, a receiver that fails, and the facts that follow."""

from typing import Any

import httpx2
import orjson

from store.db.pool import Pool
from tests.support.events import event
from tests.support.tenants import StoreTenant


async def add(tenant: StoreTenant, *keys: str, sequence: int = 1) -> None:
    """Records a new version of each category, in one revision."""
    fact = "CategoryAdded" if sequence == 1 else "CategoryUpdated"
    await tenant.record(*(event(fact, key, sequence, name=f"{key}{sequence}") for key in keys))


def broken(_: httpx2.Request, events: list[dict[str, Any]]) -> httpx2.Response:
    return httpx2.Response(500, text="out of order")


def facts_of(found: list[dict[str, Any]], type: str) -> list[dict[str, Any]]:
    return [e for e in found if e["type"] == type]


async def facts_published(pool: Pool, tenant: StoreTenant) -> list[tuple[str, dict[str, Any]]]:
    rows = await pool.fetch(
        "select type, data from facts where tenant = $1 and source = '/tether' order by position", tenant.name
    )
    return [(row["type"], orjson.loads(row["data"]) if isinstance(row["data"], str) else row["data"]) for row in rows]
