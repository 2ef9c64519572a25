"""Exports the ledger of a tenant as CloudEvents, in the order of arrival: all facts, or those around some kinds."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from config import Settings
from errors import NotYet, Refused
from facts import activity
from facts.envelope import in_utc, nanoseconds_of, rfc_3339
from facts.exported import HEADER, KIND
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT
from store.db.pool import Pool, connection, create_pool
from store.db.sql import bind, fetch_value, sql


class _ExportedRow(NamedTuple):
    """A row of ``exported_facts``: a fact as the ledger has it."""

    source: str
    id: str
    type: str
    kind: str
    key: str
    sequence: str | None
    time: datetime | None
    time_nanoseconds: int
    received: datetime
    data: str
    correlation: str | None
    causation: str | None
    traceparent: str | None
    extensions: dict[str, Any] | None


@dataclass(slots=True)
class ExportedLedger:
    """What was exported: ``facts``, as of ``revision``."""

    revision: int = 0
    facts: int = 0


def kinds_around(catalog: Catalog, kinds: Collection[str]) -> list[str]:
    """These kinds, the feeds of activity about them, and those that relationships link with them. Raises Unknown."""
    found = dict.fromkeys(kinds)
    for kind in kinds:
        catalog.owner_of(kind)
        found |= dict.fromkeys(relationship.parent for relationship in catalog.by_child.get(kind, ()))
        found |= dict.fromkeys(relationship.child for relationship in catalog.by_parent.get(kind, ()))
        feeds = catalog.contracts.activity.values()
        found |= dict.fromkeys(feed.kind for feed in feeds if feed.about is not None and feed.about.kind == kind)
    return sorted(found)


async def lines(
    pool: Pool, catalog: Catalog, tenant: str, kinds: Collection[str], done: ExportedLedger, revision: int | None = None
) -> AsyncIterator[bytes]:
    """Yields the lines of an export, the header first, as of a revision (None: the newest), in one snapshot.

    ``kinds``: of the facts; empty: all. ``done``: counts what was yielded. Raises NotYet for a later revision. Memory
    does not grow with the ledger: PostgreSQL sorts it.
    """
    async with connection(pool) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(sql("verify_settings"))
        head = await fetch_value(conn, "revision", tenant=tenant)
        if revision is not None and revision > head:
            raise NotYet("the requested revision has not been written yet")
        done.revision = head if revision is None else revision
        which = {"tenant": tenant, "revision": done.revision, "kinds": list(kinds) or None}
        yield _header(tenant, done.revision, kinds, await conn.fetchval(*bind("count_exported", **which)))
        async for record in conn.cursor(*bind("exported_facts", **which), prefetch=FETCH_SIZE, timeout=TIMEOUT):
            done.facts += 1
            yield _line(catalog, _ExportedRow(*record))


def _header(tenant: str, revision: int, kinds: Collection[str], facts: int) -> bytes:
    data = orjson.dumps({"tenant": tenant, "revision": revision, "kinds": sorted(kinds), "facts": facts})
    return HEADER + b',"id":"export","data":' + data + b"}\n"


def _line(catalog: Catalog, row: _ExportedRow) -> bytes:
    time = nanoseconds_of(row.time, row.time_nanoseconds)
    if time is None and row.source != OWN_SOURCE and row.type in catalog.contracts.activity:
        time = activity.happened(None, in_utc(row.received))  # where it is imported, it arrives later
    event = {
        "specversion": "1.0",
        "source": row.source,
        "type": row.type,
        "id": row.id,
        "subject": row.key,
        "time": None if time is None else rfc_3339(time),
        "sequence": row.sequence,
        "correlationid": row.correlation,
        "causationid": row.causation,
        "traceparent": row.traceparent,
        KIND: row.kind if row.source == OWN_SOURCE else None,
        **(row.extensions or {}),
        "data": orjson.Fragment(row.data),  # as it is: parsed, it might lose digits
    }
    return orjson.dumps({name: value for name, value in event.items() if value is not None}) + b"\n"


async def write(
    settings: Settings, tenant: str, kinds: Collection[str], revision: int | None, to: Any
) -> ExportedLedger:
    """Writes an export of the settings' database to a binary file. Raises Refused, Unknown, NotYet and Unavailable."""
    catalog = catalogs.load(settings.catalog)
    around = kinds_around(catalog, kinds)
    pool = await create_pool(settings.database_url, 1, name="tether export")
    done = ExportedLedger()
    try:
        async for line in lines(pool, catalog, tenant, around, done, revision):
            to.write(line)
    except asyncpg.UndefinedTableError as error:
        raise Refused(f"The database is not migrated ({error}). Run `tether migrate`.") from None
    finally:
        await pool.close()
    return done


def run(settings: Settings, tenant: str, kinds: Collection[str], revision: int | None, to: Any) -> ExportedLedger:
    """The same as `write`, in an event loop of its own."""
    return asyncio.run(write(settings, tenant, kinds, revision, to))
