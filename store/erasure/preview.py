"""What an erasure would empty, and who follows it. Counts rows; nothing is changed."""

from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.catalog import Catalog
from errors import Unknown
from store.db.pool import Connection, Pool, connection
from store.db.sql import fetch_rows, fetch_value
from store.erasure.traces import BATCH, QuarantinedEvent, names


class _CountedRows(NamedTuple):
    what: str
    rows: int


class ConsumerBehind(NamedTuple):
    """A consumer that has not acknowledged a revision. ``replica``: that it follows, if its filter says so."""

    name: str
    replica: str | None


@dataclass(frozen=True, slots=True)
class ErasurePreview:
    """``rows``: table → rows that hold data of the entity; ``merged_with``: other keys of the same entity, which keep
    their data; ``command``: what the owner is sent; ``replicas``: names of the declared copies."""

    rows: dict[str, int]
    merged_with: list[str]
    owner: str
    command: str | None
    replicas: list[str] = field(default_factory=list)


async def preview(pool: Pool, catalog: Catalog, tenant: str, kind: str, key: str) -> ErasurePreview:
    """Counts what an erasure of an entity would empty now. Reads the whole quarantine. Raises Unknown."""
    owner, command = catalog.owner_of(kind), catalog.contracts.erasing.get(kind)
    subjects = [r.name for r in (*catalog.by_parent.get(kind, ()), *catalog.by_child.get(kind, ()))]
    async with connection(pool) as conn:
        if not await fetch_value(conn, "is_known", tenant=tenant, kind=kind, key=key):
            raise Unknown(f"nothing is known of {kind} {key!r}: check the key")
        counted = await fetch_rows(
            conn, _CountedRows, "count_to_erase", tenant=tenant, kind=kind, key=key, subjects=[kind, *subjects]
        )
        rows = {one.what: one.rows for one in counted} | {
            "quarantine": await _quarantined(conn, catalog, tenant, kind, key)
        }
        merged_with: list[str] = await fetch_value(conn, "merged_with", tenant=tenant, kind=kind, key=key)
    return ErasurePreview(
        rows={what: number for what, number in sorted(rows.items()) if number},
        merged_with=merged_with,
        owner=owner,
        command=None if command is None else command.__name__,
        replicas=replicas_of(catalog, kind),
    )


def replicas_of(catalog: Catalog, kind: str) -> list[str]:
    """The names of the declared copies of a kind."""
    return sorted(replica.name for replica in catalog.replicas.values() if replica.of == kind)


async def behind(conn: Connection, tenant: str, revision: int) -> list[ConsumerBehind]:
    """The consumers that have not acknowledged a revision yet, at most a hundred, by name."""
    return await fetch_rows(conn, ConsumerBehind, "consumers_behind", tenant=tenant, revision=revision)


async def _quarantined(conn: Connection, catalog: Catalog, tenant: str, kind: str, key: str) -> int:
    found, after = 0, 0
    while True:
        page = await fetch_rows(conn, QuarantinedEvent, "quarantined_after", tenant=tenant, after=after, size=BATCH)
        found += sum(names(catalog, kind, key, one.type, one.raw) for one in page)
        if not page:
            return found
        after = page[-1].id
