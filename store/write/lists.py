"""Brings the links by lists to what their facts state: compares, as sets, and adds what differs to a difference.

A fact that carries a whole list, or that ends the life of an entity with one, concerns all links of that entity; a fact
about one element concerns one. Where entities of these kinds can be merged, all links of a cluster are derived again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts import own_facts
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write import element_facts, late_elements
from store.write.diff import Diff, EntityKey
from store.write.element_facts import ElementKey, ElementRegister
from store.write.entity_state import FoldedEntity, find_entities
from store.write.last_lives import LastLife, lives_of_deleted
from store.write.list_links import (
    LinksOfList,
    Stated,
    add_differences,
    links_of,
    register,
    register_before,
    stated_elements,
)
from store.write.refold import counting
from store.write.survivors import Overlaid, Survivors

_List = tuple[Relationship, str]
"""(relationship, key of the entity that has the list)."""


class _ListedRow(NamedTuple):
    """A row of the queries of this module."""

    relationship: str
    child: str
    parent: str
    former: bool
    stated_child: str | None
    stated_parent: str | None


async def lay(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    diff: Diff,
    facts: Sequence[Entry],
    histories: Mapping[EntityKey, Sequence[Entry]],
    overlaid: Overlaid | None,
) -> None:
    """Adds the links by lists that begin and end to a difference, and stores what facts say about single elements.

    ``facts``: the new ones that it was computed from; ``histories``: those in the ledger that count, of entities that
    were folded from all their facts; ``overlaid``: what becomes of merges, None: the tenant has none.
    """
    lists = _Lists(conn, catalog, tenant, diff, facts, overlaid)
    again = [at for at in histories if at[0] in catalog.listing]
    new = {at: [fact for fact in facts if (fact.kind, fact.key) == at] for at in again}
    await lists.replace_registers({at: counting((*histories[at], *new[at])) for at in again})
    changed = await element_facts.record(
        conn, tenant, [fact for fact in facts if fact.elements and (fact.kind, fact.key) not in histories]
    )
    lists.add_records(again)
    lists.add_elements(changed, facts)
    await lists.add_merged()
    await lists.derive_elements()
    await lists.derive_lists()
    late_elements.note(diff, facts, {*changed}, lists.overtaken)


class _Lists:
    """One difference, step by step. ``whole``: lists of which all links are derived, each with the fact that causes
    it; ``single``: elements of which only their own link is; ``overtaken``: those that a newer list decides."""

    def __init__(
        self,
        conn: Connection,
        catalog: Catalog,
        tenant: str,
        diff: Diff,
        facts: Sequence[Entry],
        overlaid: Overlaid | None,
    ) -> None:
        self._conn, self._catalog, self._tenant, self._diff, self._facts = conn, catalog, tenant, diff, facts
        self._merging = catalog.contracts.merging.keys() if overlaid is not None else frozenset[str]()
        self._names = overlaid.names if overlaid is not None else Survivors(conn, tenant, diff, ())
        self._merges = overlaid.causes if overlaid is not None else {}
        self._causes = {(fact.kind, fact.key): fact for fact in facts}
        self._records = {(entity.kind, entity.key): entity for entity in (*diff.versions, *diff.touched)}
        self._whole: dict[_List, Entry] = {}
        self._single: list[ElementKey] = []
        self.overtaken: dict[ElementKey, FoldedEntity] = {}

    async def replace_registers(self, histories: Mapping[EntityKey, Sequence[Entry]]) -> None:
        """Stores again what counts about the elements of entities that were folded from all their facts."""
        lists = [(r.name, key) for kind, key in histories for r in self._catalog.listing[kind]]
        facts = [fact for of_one in histories.values() for fact in of_one]
        await element_facts.replace(self._conn, self._tenant, lists, element_facts.fold(facts))

    def add_records(self, again: Collection[EntityKey]) -> None:
        """Adds the lists of records that state something else than before. ``again``: those that may in any case."""
        for at in again:
            for relationship in self._catalog.listing[at[0]]:
                self._add(relationship, at[1], self._cause(at))
        for at, entity in self._records.items():
            for relationship in self._catalog.listing.get(at[0], ()):
                now = register(relationship, entity)
                last_life = now.state == "deleted" and self._has_last_lives(relationship)
                if last_life or now != register_before(relationship, entity):
                    self._add(relationship, at[1], self._cause(at))

    def add_elements(self, changed: Collection[ElementKey], facts: Iterable[Entry]) -> None:
        """Adds elements that new facts decide. ``changed``: those that one of the facts is the newest about; of a life
        that has ended, an older one may decide."""
        older = {
            ElementKey(change.relationship, fact.key, change.element)
            for fact in facts
            for change in fact.elements
            if self._has_last_lives(self._catalog.relationships[change.relationship])
        }
        for element in dict.fromkeys([*changed, *sorted(older)]):
            relationship = self._catalog.relationships[element.relationship]
            if {relationship.listing_kind, relationship.element_kind} & self._merging:
                at = relationship.listing_kind, element.key
                self._add(relationship, element.key, self._cause(at))
            else:
                self._single.append(element)

    def _has_last_lives(self, relationship: Relationship) -> bool:
        """Whether what deleted entities listed may count: that of parents, and of records that were merged."""
        return relationship.parent_lists or relationship.listing_kind in self._merging

    async def add_merged(self) -> None:
        """Adds the lists that a merge concerns which begins or ends: those of its records, and those that name them."""
        named: dict[_List, Entry] = {}
        for at, cause in self._merges.items():
            around = {at[1], self._names.before(*at), self._names.now(*at)}
            for relationship in self._catalog.listing.get(at[0], ()):
                for key in around:
                    self._add(relationship, key, cause)
            named |= {(r, key): cause for r in self._catalog.listed.get(at[0], ()) for key in around}
        for parent_lists in (False, True):
            some = [at for at in named if at[0].parent_lists is parent_lists]
            for row in await self._rows(some, of_children=parent_lists):
                relationship = self._catalog.relationships[row.relationship]
                listing, element = (row.parent, row.child) if parent_lists else (row.child, row.parent)
                self._add(relationship, listing, named[relationship, element])

    def _add(self, relationship: Relationship, key: str, cause: Entry) -> None:
        self._whole.setdefault((relationship, key), cause)

    def _cause(self, at: EntityKey) -> Entry:
        known = self._causes.get(at)
        return known or own_facts.entry("FactsReordered", *at, {}, id=own_facts.derived_id("lists", *at))

    async def derive_elements(self) -> None:
        """Derives the links of single elements: by the facts about them, where those are newer than the list."""
        catalog = self._catalog
        single = [(catalog.relationships[e.relationship], e) for e in self._single]
        single = [(r, e) for r, e in single if (r, e.key) not in self._whole]
        if not single:
            return
        records = await self._find({(r.listing_kind, e.key) for r, e in single})
        registers = await element_facts.read_elements(self._conn, self._tenant, [e for _, e in single])
        before: dict[ElementKey, Stated] = {}
        for parent_lists in (False, True):
            some = [(r, e) for r, e in single if r.parent_lists is parent_lists]
            ends = [(r.name, *r.ends(e.key, e.element)) for r, e in some]
            before |= await self._single_links(ends, parent_lists=parent_lists)
        for relationship, element in single:
            record = records[relationship.listing_kind, element.key]
            if record.state == "deleted" and relationship.parent_lists:
                self._add(relationship, element.key, self._cause((relationship.listing_kind, element.key)))
            if record.state != "live":
                continue
            at = register(relationship, record)
            order, added = registers[element.relationship, element.key][element.element]
            if order <= max(at.ended, at.order):
                self.overtaken[element] = record
                continue
            was: LinksOfList = {element.element: before[element]} if element in before else {}
            now: LinksOfList = {element.element: Stated()} if added else {}
            cause = self._cause((relationship.listing_kind, element.key))
            add_differences(self._diff, relationship, element.key, was, now, cause)

    async def _single_links(
        self, ends: Sequence[tuple[str, str, str]], *, parent_lists: bool
    ) -> dict[ElementKey, Stated]:
        if not ends:
            return {}
        relationships, children, parents = (list(column) for column in zip(*ends, strict=True))
        rows = await fetch_rows(
            self._conn,
            _ListedRow,
            "listed_links",
            tenant=self._tenant,
            relationships=relationships,
            children=children,
            parents=parents,
        )
        found = {}
        for row in rows:
            listing, element, stated = _read(row, parent_lists=parent_lists)
            found[ElementKey(row.relationship, listing, element)] = stated
        return found

    async def derive_lists(self) -> None:
        """Derives all links of whole lists."""
        names = self._names
        if not self._whole:
            return
        await names.look_up({(r.listing_kind, key) for r, key in self._whole})
        wanted: dict[_List, Entry] = {}
        for (relationship, key), cause in self._whole.items():
            kind = relationship.listing_kind
            for survivor in (key, names.before(kind, key), names.now(kind, key)):
                wanted.setdefault((relationship, survivor), cause)
        await names.look_up_losers({(r.listing_kind, key) for r, key in wanted})
        stated = await self._stated({at for at in wanted if names.now(at[0].listing_kind, at[1]) == at[1]})
        await names.look_up(
            {(r.element_kind, e) for (r, _), (records, _) in stated.items() for _, es in records for e in es}
        )
        before: dict[_List, LinksOfList] = {}
        for parent_lists in (False, True):
            some = [at for at in wanted if at[0].parent_lists is parent_lists]
            for row in await self._rows(some, of_children=not parent_lists):
                listing, element, said = _read(row, parent_lists=parent_lists)
                before.setdefault((self._catalog.relationships[row.relationship], listing), {})[element] = said
        for at, cause in wanted.items():
            now: LinksOfList = {}
            if at in stated:
                records, former = stated[at]
                now = links_of(names, *at, records, former=former)
            add_differences(self._diff, *at, before.get(at, {}), now, cause)

    async def _stated(self, lists: Collection[_List]) -> dict[_List, tuple[list[tuple[str, set[str]]], bool]]:
        """List of a survivor → (its records that state something with the elements that each states, whether it is
        deleted)."""
        names = self._names
        members = {(r, key): (key, *names.losers(r.listing_kind, key)) for r, key in lists}
        records = await self._find({(at[0].listing_kind, key) for at, keys in members.items() for key in keys})
        counted: list[tuple[_List, str]] = []
        for at, keys in members.items():
            state = records[at[0].listing_kind, at[1]].state
            if state == "live" or (state == "deleted" and at[0].parent_lists):
                counted += [(at, key) for key in keys]
        deleted = {(at[0].listing_kind, key) for at, key in counted}
        deleted = {at for at in deleted if records[at].state == "deleted"}
        lives = await lives_of_deleted(self._conn, self._catalog, self._tenant, deleted, self._facts)
        present = [(at[0].name, key) for at, key in counted if (at[0].listing_kind, key) not in lives]
        registers = await element_facts.read(self._conn, self._tenant, present)
        found: dict[_List, tuple[list[tuple[str, set[str]]], bool]] = {}
        for at, key in counted:
            relationship, record_at = at[0], (at[0].listing_kind, key)
            former = records[relationship.listing_kind, at[1]].state == "deleted"
            record = records[record_at]
            known: Mapping[str, ElementRegister] = registers.get((relationship.name, key), {})
            if (life := lives.get(record_at)) is not None:
                record, known = life.record, _of_life(relationship, key, life)
            elements = stated_elements(relationship, record, known)
            if elements and record.state == "live":
                found.setdefault(at, ([], former))[0].append((key, elements))
        return found

    async def _rows(self, ends: Sequence[_List], *, of_children: bool) -> list[_ListedRow]:
        """The current links of these (relationship, key), of children or of parents."""
        relationships, keys = [r.name for r, _ in ends], [key for _, key in ends]
        query = "listed_links_of_children" if of_children else "listed_links_of_parents"
        at = {"tenant": self._tenant, "relationships": relationships, "keys": keys}
        return await fetch_rows(self._conn, _ListedRow, query, **at) if ends else []

    async def _find(self, wanted: set[EntityKey]) -> dict[EntityKey, FoldedEntity]:
        """The records of these entities after the difference; empty ones of those that have none."""
        left = wanted - self._records.keys()
        stored = await find_entities(self._conn, self._tenant, left) if left else []
        self._records |= {(entity.kind, entity.key): entity for entity in stored}
        return {at: self._records.get(at) or FoldedEntity(*at) for at in wanted}


def _of_life(relationship: Relationship, key: str, life: LastLife) -> Mapping[str, ElementRegister]:
    """What counts about the elements of a life that has ended: of later facts those that remove one."""
    at = relationship.name, key
    found, later = element_facts.fold(life.facts).get(at, {}), element_facts.fold(life.later).get(at, {})
    return found | {element: register for element, register in later.items() if not register.added}


def _read(row: _ListedRow, *, parent_lists: bool) -> tuple[str, str, Stated]:
    """(key of the entity with the list, element, how the link was stated)."""
    if parent_lists:
        return row.parent, row.child, Stated(row.stated_parent, row.stated_child, row.former)
    return row.child, row.parent, Stated(row.stated_child, row.stated_parent, row.former)
