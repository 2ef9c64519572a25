"""Folds the ledger with the model and compares the result with the tables, entity by entity and link by link."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from catalog import limits
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts.envelope import nanoseconds_of
from facts.order_key import at_position, order_key, position, without_restarts
from model.facts import LINKED, UNLINKED, VOIDED, FactId, ModelFact
from model.fold import fold
from model.merges import OWN_IDENTITY
from model.state import ModelEntity, ModelState
from store.audit import fingerprint, history, merge_rows, merges
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT, AuditedEntity, AuditedLink, Fingerprint, Hasher
from store.db.pool import Connection
from store.db.sql import bind
from store.write.ledger import LedgerFact

DESCRIBED = 10
"""Differences that are described; all are counted."""


@dataclass(slots=True)
class Comparison:
    """The differences between tables and ledger. ``unread``: type → number of its facts, which have no contract."""

    differences: int = 0
    descriptions: list[str] = field(default_factory=list)
    """Of the first ``DESCRIBED`` differences."""
    unread: dict[str, int] = field(default_factory=dict)

    def add(self, description: str) -> None:
        """Counts one more difference."""
        self.differences += 1
        if len(self.descriptions) < DESCRIBED:
            self.descriptions.append(description)


async def read_ledger(conn: Connection, catalog: Catalog, tenant: str, result: Comparison) -> list[ModelFact]:
    """Returns all facts that decide the state of an entity or link. Needs a transaction.

    ``result`` gets the facts without a contract, and those whose order key is wrong.
    """
    facts = []
    async for record in conn.cursor(*bind("ledger", tenant=tenant), prefetch=FETCH_SIZE, timeout=TIMEOUT):
        fact = _fact(catalog, LedgerFact(*record), result)
        if fact is not None:
            facts.append(fact)
    return facts


def _fact(catalog: Catalog, row: LedgerFact, result: Comparison) -> ModelFact | None:
    contract = catalog.contracts.by_type.get(row.type)
    if row.source == OWN_SOURCE:
        if row.type not in (LINKED, UNLINKED, VOIDED, *OWN_IDENTITY):
            return None
    elif contract is None:
        result.unread[row.type] = result.unread.get(row.type, 0) + 1
        return None
    effect = contract.effect if contract is not None and row.source != OWN_SOURCE else None
    time = nanoseconds_of(row.time, row.time_nanoseconds)
    if without_restarts(row.order_key) != at_position(order_key(row.sequence, time, effect), row.position):
        result.add(
            f"fact {row.id} of {row.source}: its order key is not that of its sequence, time, effect and position"
        )
    if contract is not None and contract.about is not None:
        return None  # see store.audit.activity
    return ModelFact(
        source=row.source,
        id=row.id,
        type=contract.wire_type if contract is not None else row.type,  # one string for all facts of a type
        kind=contract.kind if contract is not None and row.source != OWN_SOURCE else row.kind,
        key=row.key,
        effect=effect,
        sequence=row.sequence,
        time=time,
        data=row.data,
        correlation=row.correlation,
        arrival=row.position,
    )


async def compare(
    conn: Connection, catalog: Catalog, tenant: str, revision: int, result: Comparison
) -> tuple[Fingerprint, Fingerprint]:
    """Returns the fingerprints of the tables at a revision and of the ledger; ``result`` gets their differences.

    Needs a transaction that reads one snapshot. Holds the folded state in memory, about 3 KB a fact.
    """
    facts = await read_ledger(conn, catalog, tenant, result)
    state, arrivals = fold(catalog, facts), {fact.identity: fact.arrival for fact in facts}
    _drop_long_keys(state)
    ledger = fingerprint.of_model(catalog, state)
    hasher = Hasher(catalog)
    async for line, entity in fingerprint.entities(conn, catalog, tenant, revision):
        hasher.add_entity(line)
        for description in _entity_differences(entity, state.entities.pop((entity.kind, entity.key), None), arrivals):
            result.add(description)
    async for line, link in fingerprint.links(conn, catalog, tenant, revision):
        hasher.add_link(line, link)
        _compare_link(link, state, result)
    aliases = dict(state.aliases)
    async for line, alias in fingerprint.aliases(conn, tenant, revision):
        hasher.add_alias(line)
        for description in merges.alias_difference(alias, aliases.pop((alias.kind, alias.key), None)):
            result.add(description)
    for (kind, key), survivor in aliases.items():
        result.add(f"{kind} {key!r} is not merged, by the facts into {survivor!r}")
    async for description in merges.pair_differences(conn, tenant, state.merges, arrivals):
        result.add(description)
    _add_missing(state, result)
    for differences in (
        history.differences(conn, catalog, tenant, facts),
        merge_rows.row_differences(conn, catalog, tenant, facts),
        merge_rows.proof_differences(conn, catalog, tenant),
    ):
        async for description in differences:
            result.add(description)
    return hasher.fingerprint(), ledger


def _drop_long_keys(state: ModelState) -> None:
    """Removes what the lines of the tables leave out, because it depends on the version that recorded it: links of keys
    that are longer than new facts may have, and placeholders of such keys."""
    for at in [at for at, link in state.links.items() if max(map(limits.size, (at[1], link.parent))) > limits.KEY]:
        del state.links[at]
    for of in [of for of, entity in state.entities.items() if entity.state == "unknown"]:
        if limits.size(of[1]) > limits.KEY:
            del state.entities[of]


def _entity_differences(row: AuditedEntity, folded: ModelEntity | None, arrivals: dict[FactId, int]) -> Iterator[str]:
    """Describes each difference. ``arrivals``: the positions of the facts."""
    name = f"{row.kind} {row.key!r}"
    if folded is None:
        yield f"{name} is {row.state}, but no fact names it"
        return
    if row.state != folded.state:
        yield f"{name} is {row.state}, by its facts {folded.state}"
    elif row.recorded != (folded.recorded or folded.state):
        yield f"{name}, merged, has a record that is {row.recorded}, by its facts {folded.recorded}"
    elif _json(row.data) != _json(folded.data):
        yield f"{name} holds {_short(row.data)}, by its facts {_short(folded.data)}"
    if row.sequence != folded.sequence:
        yield f"{name} has the sequence {row.sequence!r}, by its facts {folded.sequence!r}"
    if position(row.latest) != _arrival(arrivals, folded.latest):
        yield f"{name} does not have its newest fact as latest, {folded.latest}"
    if position(row.ended) != _arrival(arrivals, folded.ended):
        yield f"{name} does not have its newest deletion as ended, {folded.ended}"


def _compare_link(row: AuditedLink, state: ModelState, result: Comparison) -> None:
    """Removes the link from the folded state, and adds what differs."""
    folded = state.links.pop((row.relationship, row.child), None)
    name = f"{row.relationship} of {row.child!r}"
    if folded is None:
        result.add(f"{name} is {row.parent!r}, {row.state}, but no fact names that parent")
    elif (folded.parent, folded.state) != (row.parent, row.state):
        result.add(f"{name} is {row.parent!r}, {row.state}, by the facts {folded.parent!r}, {folded.state}")
    elif (folded.stated_child, folded.stated_parent) != (row.stated_child, row.stated_parent):
        stated, by_facts = (row.stated_child, row.stated_parent), (folded.stated_child, folded.stated_parent)
        result.add(f"{name} has the stated child and parent {stated}, by the facts {by_facts}")


def _add_missing(state: ModelState, result: Comparison) -> None:
    """Adds what the tables do not hold: all that is left of the folded state."""
    for (kind, key), entity in state.entities.items():
        result.add(f"{kind} {key!r} is missing, by its facts {entity.state}")
    for (relationship, child), link in state.links.items():
        result.add(f"{relationship} of {child!r} is missing, by the facts {link.parent!r}, {link.state}")


def _arrival(arrivals: dict[FactId, int], fact: FactId | None) -> int:
    """Returns the position with which the order key of a fact ends; 0 for None, as of the empty order key."""
    return 0 if fact is None else arrivals[fact]


def _json(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def _short(data: Any) -> str:
    text = _json(data).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
