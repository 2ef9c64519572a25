"""The facts that Tether publishes about deliveries: DeliveryParked, DeliveryDropped, and DeliveryDisabled."""

from typing import Any

from catalog.catalog import Catalog
from facts import consumer_facts
from store.db.pool import Connection
from store.write.settle import settle
from store.write.tenant_lock import lock


async def parked(
    conn: Connection, catalog: Catalog, tenant: str, consumer: str, item: str, attempts: int, status: int | None
) -> None:
    """Publishes that an item is parked after its last attempt. ``status``: the receiver's last one; None: no answer."""
    data = {"item": item, "attempts": attempts, "status": status}
    await _publish(conn, catalog, tenant, "DeliveryParked", consumer, data)


async def dropped(conn: Connection, catalog: Catalog, tenant: str, consumer: str, item: str) -> None:
    """Publishes that an undelivered item will never be delivered: when its turn came, it was not kept any more."""
    await _publish(conn, catalog, tenant, "DeliveryDropped", consumer, {"item": item})


async def disabled(conn: Connection, catalog: Catalog, tenant: str, consumer: str, reason: str) -> None:
    """Publishes that nothing is delivered to a consumer any more until it is enabled."""
    await _publish(conn, catalog, tenant, "DeliveryDisabled", consumer, {"reason": reason})


async def _publish(
    conn: Connection, catalog: Catalog, tenant: str, name: str, consumer: str, data: dict[str, Any]
) -> None:
    locked = await lock(conn, tenant)
    fact = consumer_facts.entry(name, consumer, data, str(data.get("item", "")), locked.now.isoformat())
    await settle(conn, catalog, tenant, [fact], "delivery")
