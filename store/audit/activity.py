"""Compares the rows of activity with those that follow from the ledger by the model."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts.envelope import nanoseconds_of
from facts.validation import digest
from model.activity import ModelActivity, activity
from model.facts import VOIDED, FactId, ModelFact
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT
from store.db.pool import Connection
from store.db.sql import bind


class _LedgerRow(NamedTuple):
    """A row of ``activity_ledger``."""

    source: str
    id: str
    type: str
    kind: str
    key: str
    time: datetime | None
    time_nanoseconds: int
    data: dict[str, Any]
    position: int
    received: datetime
    sequence: str | None
    digest: bytes
    emptied: str | None


class _Row(NamedTuple):
    """A row of ``activity_rows``."""

    kind: str
    key: str
    happened: datetime
    happened_nanoseconds: int
    position: int
    feed: str
    type: str
    source: str
    id: str


async def differences(conn: Connection, catalog: Catalog, tenant: str, revision: int) -> Iterator[str]:
    """Describes each difference between the rows of activity at the newest revision and the ledger.

    Types that are not declared any more are left out on both sides. Needs a transaction that reads one snapshot.
    """
    types = list(catalog.contracts.activity)
    altered: list[str] = []
    expected = activity(catalog, *await _ledger(conn, tenant, types, altered))
    found: set[ModelActivity] = set()
    query = bind("activity_rows", tenant=tenant, revision=revision, types=types)
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _Row(*record)
        happened = nanoseconds_of(row.happened, row.happened_nanoseconds)
        assert happened is not None
        found.add(ModelActivity(row.kind, row.key, happened, row.position, row.feed, row.type, row.source, row.id))
    return chain(altered, _described(found - expected, expected - found))


async def _ledger(
    conn: Connection, tenant: str, types: list[str], altered: list[str]
) -> tuple[list[ModelFact], dict[FactId, int]]:
    """The facts of these types and those that void, and when those arrived that state no time.

    ``altered`` gets descriptions of those whose data are not the ones that their digests were made of: proofs of merges
    cover the digests.
    """
    facts: list[ModelFact] = []
    received: dict[FactId, int] = {}
    query = bind("activity_ledger", tenant=tenant, types=[*types, VOIDED])
    async for record in conn.cursor(*query, prefetch=FETCH_SIZE, timeout=TIMEOUT):
        row = _LedgerRow(*record)
        if (row.source == OWN_SOURCE) != (row.type == VOIDED):
            continue
        if row.source != OWN_SOURCE and row.emptied is None and row.digest != _digest(row):
            altered.append(f"activity {row.id!r} of {row.source}: its data are not those that were published")
        time = nanoseconds_of(row.time, row.time_nanoseconds)
        fact = ModelFact(
            row.source, row.id, row.type, row.kind, row.key, None, None, time, row.data, None, row.position
        )
        facts.append(fact)
        if time is None:
            received[fact.identity] = nanoseconds_of(row.received, 0) or 0
    return facts, received


def _digest(row: _LedgerRow) -> bytes:
    return digest(row.type, row.key, row.sequence, None, orjson.dumps(row.data, option=orjson.OPT_SORT_KEYS))


def _described(unfounded: set[ModelActivity], missing: set[ModelActivity]) -> Iterator[str]:
    for one in sorted(unfounded):
        yield f"activity {one.id!r} of {one.source} for {one.kind} {one.key!r}: no fact says so"
    for one in sorted(missing):
        yield f"activity {one.id!r} of {one.source} for {one.kind} {one.key!r} is missing, by its fact"
