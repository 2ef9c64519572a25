"""Sealed facts: so old that retention may have emptied bodies that would count without them. They cannot be voided."""

from collections.abc import Collection
from typing import NamedTuple

from errors import Unacceptable
from store.db.pool import Connection
from store.db.sql import fetch_row
from store.write.arrivals import FactKey


class _Sealed(NamedTuple):
    source: str
    id: str


async def check(conn: Connection, tenant: str, facts: Collection[FactKey]) -> None:
    """Raises Unacceptable if one of these facts is sealed. Within a transaction that holds the tenant's lock."""
    if not facts:
        return
    sources, ids = [source for source, _ in facts], [id for _, id in facts]
    found = await fetch_row(conn, _Sealed, "sealed_fact", tenant=tenant, sources=sources, ids=ids)
    if found is not None:
        raise Unacceptable(
            f"the fact {found.id[:100]!r} of {found.source[:100]!r} is sealed, as older than TETHER_RETENTION_BODIES,"
            " and cannot be voided any more: publish a newer fact that says what is right"
        )
