"""Empties what else is kept of an entity's data: its activity, quarantined events, request bodies, words of owners.

Nothing of this decides a state, so it is done in transactions of some rows, which hold no lock of the tenant. Each part
can be done again: what is empty already is not counted.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.relationship import as_key
from errors import Malformed, Unacceptable
from facts.event_data import read_data
from facts.json_text import parse_json
from store.db.pool import Connection, Pool, transaction
from store.db.sql import execute, fetch_row, fetch_rows, fetch_value
from store.erasure import requests
from store.erasure.entity import FactToErase, empty_facts
from store.erasure.requests import ErasureRow
from store.write import quarantine

BATCH = 500
"""Rows of one transaction."""
ERASED = "its data was erased: the entity that it is about was"
"""The reason of a quarantined event that was emptied."""
_FIRST = datetime(1, 1, 1, tzinfo=UTC)


class _OfActivity(NamedTuple):
    """A row of ``activity_to_erase``: where it is in the order of activity, and its fact."""

    happened: datetime
    happened_nanoseconds: int
    position: int
    erased: bool
    source: str
    id: str
    type: str
    kind: str
    key: str
    sequence: str | None
    data: dict[str, object]
    correlation: str | None
    digest: bytes
    emptied: str | None


class QuarantinedEvent(NamedTuple):
    """``of_erased``: whether it repeats a fact whose data was erased."""

    id: int
    type: str | None
    raw: bytes
    of_erased: bool


class _BodiesPage(NamedTuple):
    last: str | None
    rows: int


class _NamedMerge(NamedTuple):
    id: str
    named: bool


async def erase(pool: Pool, catalog: Catalog, row: ErasureRow) -> AsyncIterator[int]:
    """Empties all that is left. Yields the rows of each transaction. Raises Unavailable; the next call goes on."""
    async for rows in _activity(pool, catalog, row):
        yield rows
    async for rows in _quarantine(pool, catalog, row):
        yield rows
    async for rows in _request_bodies(pool, row):
        yield rows
    async for rows in _merges(pool, catalog, row):
        yield rows
    yield await _words(pool, catalog, row)


async def _activity(pool: Pool, catalog: Catalog, row: ErasureRow) -> AsyncIterator[int]:
    """Activity is erased under the key that its owner stated, up to the fact EntityErased."""
    happened, nanoseconds, position = _FIRST, -1, 0
    page: list[_OfActivity] = []
    while not page or len(page) == BATCH:
        async with transaction(pool) as conn:
            page = await fetch_rows(
                conn,
                _OfActivity,
                "activity_to_erase",
                tenant=row.tenant,
                kind=row.kind,
                key=row.key,
                happened=happened,
                nanoseconds=nanoseconds,
                position=position,
                last=row.position,
                size=BATCH,
            )
            facts = [FactToErase(*one[4:], about=row.key) for one in page if not one.erased]
            await empty_facts(conn, catalog, row.tenant, facts)
            await requests.count(conn, row.tenant, row.id, "facts of activity", len(facts))
        if not page:
            return
        yield len(facts)
        happened, nanoseconds, position = page[-1][:3]


async def _quarantine(pool: Pool, catalog: Catalog, row: ErasureRow) -> AsyncIterator[int]:
    after, page = 0, [QuarantinedEvent(0, None, b"", of_erased=False)]
    while page:
        async with transaction(pool) as conn:
            page = await fetch_rows(
                conn, QuarantinedEvent, "quarantined_after", tenant=row.tenant, after=after, size=BATCH
            )
            found = [one.id for one in page if one.of_erased or names(catalog, row.kind, row.key, one.type, one.raw)]
            if found:
                await quarantine.lock(conn, row.tenant)
                await execute(conn, "empty_quarantined", tenant=row.tenant, ids=found, reason=ERASED)
            await requests.count(conn, row.tenant, row.id, "quarantine", len(found))
        yield len(found)
        after = page[-1].id if page else after


def names(catalog: Catalog, kind: str, key: str, type: str | None, raw: bytes) -> bool:
    """Whether a quarantined event is about an entity, or its activity is. One that cannot be read, or whose type is not
    declared, is about it if it has its key as a text."""
    try:
        event, _ = parse_json(raw)
    except (Malformed, Unacceptable):
        event = None
    if not isinstance(event, dict):
        return orjson.dumps(key) in raw or _escaped(key) in raw
    data = event.get("data")
    if "data_base64" in event:
        try:
            data = read_data(event)
        except Unacceptable:
            data = None
    data = data if isinstance(data, dict) else {}
    contract = catalog.contracts.by_type.get(type or "") or catalog.contracts.by_type.get(f"{type}.v1")
    if contract is None:
        return key in (event.get("subject"), *map(as_key, data.values()))
    if contract.about is not None and contract.about.kind == kind and as_key(data.get(contract.about.field)) == key:
        return True
    named = [event.get("subject"), as_key(data.get(contract.key_field or ""))]
    if contract.identity is not None:
        named += [as_key(one) for value in data.values() for one in (value if isinstance(value, list) else [value])]
    return contract.kind == kind and key in named


def _escaped(key: str) -> bytes:
    """The key as a JSON text in which all but ASCII is escaped."""
    return b'"' + key.encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00") + b'"'


async def _request_bodies(pool: Pool, row: ErasureRow) -> AsyncIterator[int]:
    """Bodies that name the key are forgotten, whatever kind they mean, and those that were filled from the entity."""
    after: str | None = ""
    while after is not None:
        async with transaction(pool) as conn:
            page = await fetch_row(
                conn,
                _BodiesPage,
                "forget_bodies",
                tenant=row.tenant,
                kind=row.kind,
                key=row.key,
                after=after,
                size=BATCH,
            )
            assert page is not None
            await requests.count(conn, row.tenant, row.id, "request_bodies", page.rows)
        yield page.rows
        after = page.last


async def _merges(pool: Pool, catalog: Catalog, row: ErasureRow) -> AsyncIterator[int]:
    """What was written about merges of the entity with others, in rows and in facts, which are about others as well:
    which keys they name stays."""
    at = {"tenant": row.tenant, "kind": row.kind, "key": row.key}
    after, page = "", [_NamedMerge("", named=False)]
    while page:
        async with transaction(pool) as conn:
            page = await fetch_rows(conn, _NamedMerge, "merges_with_reasons", **at, after=after, size=BATCH)
            found = [one.id for one in page if one.named]
            if found:
                facts = await fetch_rows(conn, FactToErase, "empty_merge_reasons", tenant=row.tenant, ids=found)
                await _facts_of_others(conn, catalog, row, facts)
            await requests.count(conn, row.tenant, row.id, "merges", len(found))
        yield len(found)
        after = page[-1].id if page else after
    async with transaction(pool) as conn:
        facts = await fetch_rows(conn, FactToErase, "facts_of_pairs", **at, last=row.position)
        await _facts_of_others(conn, catalog, row, facts)
    yield len(facts)


async def _facts_of_others(conn: Connection, catalog: Catalog, row: ErasureRow, facts: Sequence[FactToErase]) -> None:
    await empty_facts(conn, catalog, row.tenant, facts)
    await requests.count(conn, row.tenant, row.id, "facts of merges", len(facts))


async def _words(pool: Pool, catalog: Catalog, row: ErasureRow) -> int:
    """What owners said in replies about the entity, and what receivers said of any: it may repeat what they got."""
    as_parent = [r.name for r in catalog.by_parent.get(row.kind, ())]
    as_child = [r.name for r in catalog.by_child.get(row.kind, ())]
    at = {"tenant": row.tenant, "key": row.key}
    total = 0
    async with transaction(pool) as conn:
        for table, query, more in (
            ("waits", "empty_words_of_waits", {"as_parent": as_parent}),
            ("operations", "empty_words_of_operations", {"subjects": [row.kind, *as_parent, *as_child]}),
            ("operation_children", "empty_words_of_children", {}),
        ):
            rows: int = await fetch_value(conn, query, **at, **more)
            await requests.count(conn, row.tenant, row.id, table, rows)
            total += rows
        for table, query in (
            ("undelivered", "empty_words_of_undelivered"),
            ("delivery_attempts", "empty_words_of_attempts"),
            ("webhooks", "empty_words_of_webhooks"),
        ):
            rows = await fetch_value(conn, query, tenant=row.tenant)
            await requests.count(conn, row.tenant, row.id, table, rows)
            total += rows
    return total
