"""What the ledger says, by the model, against what the tables hold, entity by entity and link by link."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts.order_key import order_key
from model.facts import LINKED, UNLINKED, FactId, ModelFact
from model.fold import fold
from model.state import EntityState, State
from store.audit import fingerprint
from store.audit.fingerprint import AT_ONCE, PATIENCE, EntityRow, Fingerprint, Hashing, LinkRow
from store.db.pool import Connection
from store.db.sql import sql

SAID = 10
"""Differences that are put into words; all are counted."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Comparison:
    """``tables`` and ``ledger`` agree if nothing is different. ``unread``: types of facts without a contract."""

    differences: int = 0
    words: list[str] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)

    def say(self, words: str) -> None:
        """One more difference."""
        self.differences += 1
        if len(self.words) < SAID:
            self.words.append(words)


async def read_ledger(conn: Connection, catalog: Catalog, tenant: str, result: Comparison) -> list[ModelFact]:
    """All facts that say something of an entity. Within a transaction."""
    facts = []
    async for row in conn.cursor(sql("ledger"), tenant, prefetch=AT_ONCE, timeout=PATIENCE):
        fact = _fact(catalog, row, result)
        if fact is not None:
            facts.append(fact)
    return facts


def _fact(catalog: Catalog, row: Any, result: Comparison) -> ModelFact | None:
    source, type = row["source"], row["type"]
    contract = catalog.contracts.by_type.get(type)
    if source == OWN_SOURCE:
        if type not in (LINKED, UNLINKED):
            return None
    elif contract is None:
        result.unread[type] = result.unread.get(type, 0) + 1
        return None
    effect = contract.effect if contract is not None and source != OWN_SOURCE else None
    # asyncpg keeps the first and the last microsecond of the calendar as infinities, which come back without a zone.
    time = None if row["time"] is None else (row["time"].replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    if row["order_key"] != order_key(row["sequence"], time, source, row["id"]):
        result.say(f"fact {row['id']} of {source}: its order key is not that of its sequence, time, source and id")
    return ModelFact(
        source=source,
        id=row["id"],
        type=contract.wire_type if contract is not None else type,  # one text for all facts of a type
        kind=contract.kind if contract is not None else row["kind"],
        key=row["key"],
        effect=effect,
        sequence=row["sequence"],
        time=time,
        data=row["data"],
        correlation=row["correlation"],
    )


async def compare(
    conn: Connection, catalog: Catalog, tenant: str, revision: int, result: Comparison
) -> tuple[Fingerprint, Fingerprint]:
    """The fingerprints of the tables and of the ledger; what is different goes into ``result``.

    Within a transaction that sees one state throughout. Holds the folded state in memory, about 3 KB a fact.
    """
    state = fold(catalog, await read_ledger(conn, catalog, tenant, result))
    told = fingerprint.of_model(catalog, state)
    hashing = Hashing(catalog)
    async for line, entity in fingerprint.entities(conn, catalog, tenant, revision):
        hashing.entity(line)
        for words in _entity(entity, state.entities.pop((entity.kind, entity.key), None)):
            result.say(words)
    async for line, link in fingerprint.links(conn, catalog, tenant, revision):
        hashing.link(line, link)
        _link(link, state, result)
    _missing(state, result)
    return hashing.fingerprint(), told


def _entity(row: EntityRow, told: EntityState | None) -> Iterator[str]:
    name = f"{row.kind} {row.key!r}"
    if told is None:
        yield f"{name} is {row.state}, and no fact speaks of it"
        return
    if row.state != told.state:
        yield f"{name} is {row.state}, by its facts {told.state}"
    elif _json(row.data) != _json(told.data):
        yield f"{name} holds {_short(row.data)}, by its facts {_short(told.data)}"
    if row.sequence != told.sequence:
        yield f"{name} is of sequence {row.sequence!r}, by its facts {told.sequence!r}"
    if not _names(row.latest, told.latest):
        yield f"{name} does not know its newest fact, {told.latest}"
    if not _names(row.ended, told.ended):
        yield f"{name} does not know its newest end, {told.ended}"


def _link(row: LinkRow, state: State, result: Comparison) -> None:
    told = state.links.pop((row.relationship, row.child), None)
    name = f"{row.relationship} of {row.child!r}"
    if told is None:
        result.say(f"{name} is {row.parent!r}, {row.state}, and no fact says so")
    elif (told.parent, told.state) != (row.parent, row.state):
        result.say(f"{name} is {row.parent!r}, {row.state}, by the facts {told.parent!r}, {told.state}")


def _missing(state: State, result: Comparison) -> None:
    for (kind, key), what in state.entities.items():
        result.say(f"{kind} {key!r} is missing, by its facts {what.state}")
    for (relationship, child), link in state.links.items():
        result.say(f"{relationship} of {child!r} is missing, by the facts {link.parent!r}, {link.state}")


def _names(order: bytes, fact: FactId | None) -> bool:
    """Whether this is the order key of that fact, or of none: an order key ends with its fact's source and id."""
    if fact is None:
        return not order
    return order.endswith(f"{fact.source}\x00{fact.id}".encode())


def _json(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def _short(data: Any) -> str:
    text = _json(data).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
