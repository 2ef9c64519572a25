"""Folds the ledger with the model and compares the result with the tables, entity by entity and link by link."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from catalog import limits
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts.envelope import nanoseconds_of
from facts.order_key import at_position, order_key, position, without_restarts
from model import lines
from model.facts import LINKED, UNLINKED, VOIDED, FactId, ModelFact
from model.fold import fold
from model.merges import OWN_IDENTITY
from model.state import ModelEntity, ModelState
from model.versions import newest_data
from store.audit import element_rows, fingerprint, history, merge_rows, merges
from store.audit.fingerprint import FETCH_SIZE, TIMEOUT, AuditedEntity, AuditedLink, Fingerprint, Hasher
from store.audit.parts import Parts, model_fact, plain_fact
from store.audit.spool import Spool
from store.db.pool import Connection
from store.db.sql import bind, fetch_value
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


async def _ledger(
    conn: Connection, catalog: Catalog, tenant: str, result: Comparison, types: Sequence[str] | None = None
) -> AsyncIterator[ModelFact]:
    """Yields all facts that decide the state of an entity or link, or those of some types, by entity.

    ``result`` gets the facts without a contract, and those whose order key is wrong. Needs a transaction.
    """
    async for record in conn.cursor(*bind("ledger", tenant=tenant, types=types), prefetch=FETCH_SIZE, timeout=TIMEOUT):
        fact = _fact(catalog, LedgerFact(*record), result)
        if fact is not None:
            yield fact


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
        data=row.data if row.emptied is not None else newest_data(catalog, row.type, effect, row.data),
        correlation=row.correlation,
        arrival=row.position,
    )


async def compare(
    conn: Connection, catalog: Catalog, tenant: str, revision: int, result: Comparison
) -> tuple[Fingerprint, Fingerprint]:
    """Returns the fingerprints of the tables at a revision and of the ledger; ``result`` gets their differences.

    Needs a transaction that reads one snapshot. All that is read goes to files first, so that memory does not grow with
    the tenant, except with its merges.
    """
    types = [VOIDED, *OWN_IDENTITY, *(t for t, c in catalog.contracts.by_type.items() if c.identity is not None)]
    about_identity = [fact async for fact in _ledger(conn, catalog, tenant, Comparison(), types)]
    parts = Parts(catalog, await fetch_value(conn, "ledger_size", tenant=tenant) or 0, about_identity)
    with TemporaryDirectory(prefix="tether-verify-") as folder:
        rebuild = _Rebuild(conn, catalog, tenant, result, parts, Path(folder))
        await rebuild.spool_ledger()
        tables = await rebuild.spool_tables(revision)
        return tables, await rebuild.fold_and_compare(revision)


class _Rebuild:
    """One comparison, part by part."""

    def __init__(
        self, conn: Connection, catalog: Catalog, tenant: str, result: Comparison, parts: Parts, folder: Path
    ) -> None:
        self._conn, self._catalog, self._tenant, self._result = conn, catalog, tenant, result
        self._parts = parts
        self._facts = Spool(folder, "facts", parts.count)
        self._entities = Spool(folder, "entities", parts.count)
        self._links = Spool(folder, "links", parts.count)
        self._entity_lines = Spool(folder, "entity_lines", parts.count)
        self._link_lines = Spool(folder, "link_lines", parts.count)

    async def spool_ledger(self) -> None:
        """Writes each fact to the parts for which it has to be folded."""
        of_one: list[ModelFact] = []
        with self._facts:
            async for fact in _ledger(self._conn, self._catalog, self._tenant, self._result):
                if of_one and (fact.kind, fact.key) != (of_one[0].kind, of_one[0].key):
                    self._spool_facts(of_one)
                    of_one = []
                of_one.append(fact)
            if of_one:
                self._spool_facts(of_one)

    def _spool_facts(self, of_one: list[ModelFact]) -> None:
        for part in self._parts.fold_in(of_one[0].kind, of_one[0].key, of_one):
            for fact in of_one:
                self._facts.add(part, plain_fact(fact))

    async def spool_tables(self, revision: int) -> Fingerprint:
        """Writes each entity and link of the tables to its part; returns their hashes."""
        at, hasher, parts = (self._conn, self._catalog, self._tenant, revision), Hasher(self._catalog), self._parts
        with self._entities, self._links:
            async for line, entity in fingerprint.entities(*at):
                hasher.add_entity(line)
                self._entities.add(parts.of(entity.kind, entity.key), tuple(entity))
            async for line, link in fingerprint.links(*at):
                hasher.add_link(line, link)
                self._links.add(self._part_of(link.relationship, link.child, link.parent), tuple(link))
        async for line, _ in fingerprint.aliases(self._conn, self._tenant, revision):
            hasher.add_alias(line)
        return hasher.fingerprint()

    def _part_of(self, name: str, child: str, parent: str) -> int:
        """The part of the entity that a link names."""
        relationship = self._catalog.relationships[name]
        return self._parts.of(relationship.element_kind, child if relationship.parent_lists else parent)

    async def fold_and_compare(self, revision: int) -> Fingerprint:
        """Folds part after part, and compares each with the tables; returns the hashes of what was folded."""
        past, ledger = await history.revisions(self._conn, self._tenant), Hasher(self._catalog)
        with self._entity_lines, self._link_lines:
            for part in range(self._parts.count):
                await self._fold(part, revision, past, ledger)
        for (line,) in merge(*map(self._entity_lines.read, range(self._parts.count))):
            ledger.add_entity(line)
        for line, *link in merge(*map(self._link_lines.read, range(self._parts.count)), key=itemgetter(0)):
            ledger.add_link(line, AuditedLink(*link))
        async for description in merge_rows.proof_differences(self._conn, self._catalog, self._tenant):
            self._result.add(description)
        return ledger.fingerprint()

    async def _fold(self, part: int, revision: int, past: history.Revisions, ledger: Hasher) -> None:
        facts = [model_fact(item) for item in self._facts.read(part)]
        state, arrivals = fold(self._catalog, facts), {fact.identity: fact.arrival for fact in facts}
        _drop_long_keys(state)
        of, part_of = self._parts.of, self._part_of
        entities = {at: entity for at, entity in state.entities.items() if of(*at) == part}
        links = {at: link for at, link in state.links.items() if part_of(at[0], at[1], link.parent) == part}
        mine = replace(state, entities=entities, links=links)
        self._spool_lines(part, mine)
        if part == 0:  # each part has all facts about identity
            for line in lines.alias_lines(state):
                ledger.add_alias(line)
            await self._compare_merges(facts, state, arrivals, revision)
        for entity in map(AuditedEntity._make, self._entities.read(part)):
            for description in _entity_differences(entity, entities.pop((entity.kind, entity.key), None), arrivals):
                self._result.add(description)
        for link in map(AuditedLink._make, self._links.read(part)):
            _compare_link(self._catalog, link, mine, self._result)
        _add_missing(mine, self._result)
        about, mine_alone = (self._conn, self._catalog, self._tenant, facts), lambda kind, key: of(kind, key) == part
        async for description in history.differences(*about, past, mine_alone):
            self._result.add(description)
        async for description in element_rows.differences(*about, mine_alone):
            self._result.add(description)

    def _spool_lines(self, part: int, state: ModelState) -> None:
        for line in lines.entity_lines(state):
            self._entity_lines.add(part, (line,))
        found = (
            (f"link|{name}|{child}|{link.parent}|{link.state}".encode(), name, child, *link)
            for (name, child, *_), link in state.links.items()
        )
        for item in sorted(found, key=itemgetter(0)):
            self._link_lines.add(part, item)

    async def _compare_merges(
        self, facts: Sequence[ModelFact], state: ModelState, arrivals: dict[FactId, int], revision: int
    ) -> None:
        aliases = dict(state.aliases)
        async for _, alias in fingerprint.aliases(self._conn, self._tenant, revision):
            for description in merges.alias_difference(alias, aliases.pop((alias.kind, alias.key), None)):
                self._result.add(description)
        for (kind, key), survivor in aliases.items():
            self._result.add(f"{kind} {key!r} is not merged, by the facts into {survivor!r}")
        for differences in (
            merges.pair_differences(self._conn, self._tenant, state.merges, arrivals),
            merge_rows.row_differences(self._conn, self._catalog, self._tenant, facts),
        ):
            async for description in differences:
                self._result.add(description)


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


def _compare_link(catalog: Catalog, row: AuditedLink, state: ModelState, result: Comparison) -> None:
    """Removes the link from the folded state, and adds what differs."""
    parents = (row.parent,) if catalog.relationships[row.relationship].many else ()
    folded = state.links.pop((row.relationship, row.child, *parents), None)
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
    for (relationship, child, *_), link in state.links.items():
        result.add(f"{relationship} of {child!r} is missing, by the facts {link.parent!r}, {link.state}")


def _arrival(arrivals: dict[FactId, int], fact: FactId | None) -> int:
    """Returns the position with which the order key of a fact ends; 0 for None, as of the empty order key."""
    return 0 if fact is None else arrivals[fact]


def _json(data: Any) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def _short(data: Any) -> str:
    text = _json(data).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"
