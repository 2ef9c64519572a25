"""Reads facts back from the ledger as entries, for the rare cases in which an entity is folded from all its facts."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import orjson

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import as_key
from catalog.vocabulary import Effect
from facts.correlation import decode
from facts.elements import recorded_changes
from facts.envelope import Entry, Reference, nanoseconds_of
from facts.json_numbers import plain
from facts.order_key import at_position, order_key
from facts.own_facts import VOIDED
from facts.reading import read_as
from facts.validation import digest
from store.db.pool import Connection
from store.db.sql import OPEN, fetch_rows
from store.write.diff import EntityKey


class LedgerFact(NamedTuple):
    """A fact as the ledger has it. ``time_nanoseconds``: those of its time after the last whole microsecond;
    ``emptied``: why its data are not those that were published, but what is left of them as they were read; None: they
    are."""

    source: str
    id: str
    type: str
    kind: str
    key: str
    sequence: str | None
    time: datetime | None
    time_nanoseconds: int
    data: dict[str, Any]
    correlation: str | None
    position: int
    order_key: bytes
    emptied: str | None


async def facts_of_entities(
    conn: Connection, catalog: Catalog, tenant: str, entities: Collection[EntityKey], revision: int = OPEN
) -> dict[EntityKey, list[Entry]]:
    """All facts about these entities that decide their state, and those that void some, in no particular order.

    ``revision``: those that were recorded up to it.
    """
    kinds, keys = [kind for kind, _ in entities], [key for _, key in entities]
    rows = await fetch_rows(
        conn, LedgerFact, "facts_of_entities", tenant=tenant, kinds=kinds, keys=keys, revision=revision
    )
    found: dict[EntityKey, list[Entry]] = {at: [] for at in entities}
    for row in rows:
        entry = entry_of(catalog, row)
        if entry.effect is not None or entry.names or entry.elements or entry.name == VOIDED:
            found[row.kind, row.key].append(entry)
    return found


def effect_of(catalog: Catalog, source: str, type: str) -> Effect | None:
    """What a fact does to its entity; None: Tether's own, or of a type that is not declared any more."""
    contract = None if source == OWN_SOURCE else catalog.contracts.by_type.get(type)
    return None if contract is None else contract.effect


class FactWithBody(Protocol):
    """A row of a fact that has its body still."""

    @property
    def source(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def sequence(self) -> str | None: ...
    @property
    def correlation(self) -> str | None: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def digest(self) -> bytes: ...


def digest_again(catalog: Catalog, fact: FactWithBody) -> bytes:
    """The digest that this version makes of a fact: without its body, no digest of an earlier version is recognised.

    Tether's own facts keep theirs.
    """
    if fact.source == OWN_SOURCE:
        return fact.digest
    created = effect_of(catalog, fact.source, fact.type) is Effect.CREATED
    body = orjson.dumps(plain(fact.data), option=orjson.OPT_SORT_KEYS)
    return digest(fact.type, fact.key, fact.sequence, decode(fact.correlation) if created else None, body)


def entry_of(catalog: Catalog, row: LedgerFact) -> Entry:
    """The entry that was recorded as this row, with what folding needs of it. Its body and digest are empty."""
    effect = effect_of(catalog, row.source, row.type)
    return Entry(
        source=row.source,
        id=row.id,
        type=row.type,
        name=_name(catalog, row),
        kind=row.kind,
        key=row.key,
        effect=effect,
        sequence=row.sequence,
        time=nanoseconds_of(row.time, row.time_nanoseconds),
        data=row.data if row.emptied or effect is None else read_as(catalog.contracts, row.type, row.data),
        body="",
        correlation=row.correlation,
        causation=None,
        traceparent=None,
        extensions=None,
        order=row.order_key,
        digest=b"",
        names=_names(catalog, row, effect),
        elements=recorded_changes(catalog, row.source, row.type, row.data),
    )


def _name(catalog: Catalog, row: LedgerFact) -> str:
    contract = None if row.source == OWN_SOURCE else catalog.contracts.by_type.get(row.type)
    if contract is not None:
        return contract.name
    return row.type.partition(".")[0] if row.source == OWN_SOURCE else row.type


def _names(catalog: Catalog, row: LedgerFact, effect: Effect | None) -> tuple[Reference, ...]:
    """The references of a fact that are in no field of its entity."""
    if row.source == OWN_SOURCE:
        if row.type in ("Linked.v1", "Unlinked.v1"):
            declared = catalog.relationships.get(row.data["relationship"])
            if declared is None or not declared.many:
                return (Reference(row.data["relationship"], row.data.get("parent")),)
        return ()
    named = decode(row.correlation) if effect is Effect.CREATED else None
    if named is None or as_key(named.parent) is None:
        return ()
    requested = {r.name for r in catalog.by_child.get(row.kind, ()) if r.requested is not None}
    return (Reference(*named),) if named.relationship in requested else ()


def new_order_key(catalog: Catalog, fact: LedgerFact) -> bytes:
    """The order key that a fact has by the present definition."""
    time = nanoseconds_of(fact.time, fact.time_nanoseconds)
    return at_position(order_key(fact.sequence, time, effect_of(catalog, fact.source, fact.type)), fact.position)
