"""Notifies the feed of consumers that are at risk or expired: publishes ConsumerAtRisk or ConsumerExpired.

Once for each time that one becomes it: what has caught up meanwhile may become it again.
"""

from datetime import datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from facts import consumer_facts
from store.consumers.registrations import ConsumerState
from store.db.pool import Pool, connection, transaction
from store.db.sql import fetch_row, fetch_rows, fetch_value
from store.write.settle import settle
from store.write.tenant_lock import lock

_FACTS: dict[ConsumerState, str] = {"at-risk": "ConsumerAtRisk", "expired": "ConsumerExpired"}


class _Late(NamedTuple):
    """A row of ``consumers_to_notify_of``."""

    tenant: str
    name: str


class _Notice(NamedTuple):
    """A row of ``mark_consumer_notified``."""

    state: ConsumerState
    lag_revisions: int | None
    lag_seconds: float
    holder: str
    generation: int
    at_risk_seconds: int
    now: datetime


async def publish(pool: Pool, catalog: Catalog) -> None:
    """Looks at the consumers of all tenants, and publishes what is new. Raises Unavailable."""
    async with connection(pool) as conn:
        found = await fetch_rows(conn, _Late, "consumers_to_notify_of")
    for row in found:
        await _publish(pool, catalog, row.tenant, row.name)


async def _publish(pool: Pool, catalog: Catalog, tenant: str, consumer: str) -> None:
    async with transaction(pool) as conn:
        await fetch_value(conn, "lock_webhook", tenant=tenant, consumer=consumer)  # before the tenant, as all do
        await lock(conn, tenant)
        row = await fetch_row(conn, _Notice, "mark_consumer_notified", tenant=tenant, name=consumer)
        if row is None or row.state not in _FACTS:
            return
        data = {
            "state": row.state,
            "lag": {"revisions": row.lag_revisions, "seconds": round(row.lag_seconds, 3)},
            "at_risk_seconds": row.at_risk_seconds,
            "holder": row.holder,
            "generation": row.generation,
        }
        fact = consumer_facts.entry(_FACTS[row.state], consumer, data, row.now.isoformat())
        await settle(conn, catalog, tenant, [fact], "tether")
