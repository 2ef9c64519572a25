"""Voids facts: an operator takes one fact back, by a fact of Tether's own. The state is then that without it."""

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from errors import Conflict, Unacceptable, Unknown
from facts import own_facts
from store.db.pool import Pool, transaction
from store.db.sql import fetch_value
from store.write import sealed
from store.write.settle import settle
from store.write.tenant_lock import lock


async def void(
    pool: Pool, catalog: Catalog, tenant: str, kind: str, key: str, source: str, id: str, reason: str, actor: str
) -> int:
    """Voids the fact with this source and id about the entity (kind, key); returns the revision that shows it.

    ``reason``: for people; ``actor``: who voids it. A fact that is void already stays so, with the first reason. Raises
    Unknown if the entity has no such fact, and Conflict for a fact that voids another one, or that is sealed.
    """
    async with transaction(pool) as conn:
        await lock(conn, tenant)
        type = await fetch_value(conn, "type_of_fact", tenant=tenant, kind=kind, key=key, source=source, id=id)
        if type is None:
            raise Unknown(f"no fact about {kind} {key!r} has the source {source!r} and the id {id!r}")
        if source == OWN_SOURCE and type == f"{own_facts.VOIDED}.v1":
            raise Conflict("a fact that voids another one stays: publish the other one again, under a new id")
        try:
            await sealed.check(conn, tenant, [(source, id)])
        except Unacceptable as error:
            raise Conflict(error.reason) from None
        data = {"source": source, "id": id, "type": type, "reason": reason}
        entry = own_facts.entry(own_facts.VOIDED, kind, key, data, id=own_facts.void_id(source, id))
        return (await settle(conn, catalog, tenant, [entry], actor)).revision
