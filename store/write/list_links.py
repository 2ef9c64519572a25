"""Which links the lists of entities state: a function of records, of facts about single elements, and of survivors.

See docs/decisions/0043-lists.md. `store/write/lists.py` reads all three, and writes the links that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from catalog.relationship import Relationship
from facts.elements import elements_of
from facts.envelope import Entry
from store.write.diff import ClosedLink, Diff, OpenedLink
from store.write.element_facts import ElementRegister
from store.write.entity_state import NOTHING, EntityState, FoldedEntity
from store.write.survivors import Survivors


class ListRegister(NamedTuple):
    """What decides what a record states: its state, and the order keys of its newest deletion and of its list."""

    state: EntityState
    ended: bytes
    order: bytes


class Stated(NamedTuple):
    """How a link was stated, where its keys are merged into others: by ``listing``, about ``element``; None: by those
    of the link. ``former``: the entity with the list is deleted."""

    listing: str | None = None
    element: str | None = None
    former: bool = False


LinksOfList: TypeAlias = dict[str, Stated]
"""Element, or its survivor → how the link to it was stated."""


def register(relationship: Relationship, entity: FoldedEntity) -> ListRegister:
    """That of one record."""
    field = relationship.list_field or ""
    order = entity.older.get(field, entity.latest) if field in entity.data else NOTHING
    return ListRegister(entity.state, entity.ended, order)


def register_before(relationship: Relationship, entity: FoldedEntity) -> ListRegister | None:
    """That of the version in the table, before facts were folded in; None: there was none."""
    return None if entity.row is None else register(relationship, FoldedEntity.of_row(entity.row))


def stated_elements(
    relationship: Relationship, entity: FoldedEntity, registers: Mapping[str, ElementRegister]
) -> set[str]:
    """The elements that a record states. ``registers``: the newest facts about single ones."""
    elements = elements_of(relationship, entity.data)
    newest = max(entity.ended, register(relationship, entity).order)
    for element, (order, added) in registers.items():
        if order > newest:
            (elements.add if added else elements.discard)(element)
    return elements


def links_of(
    names: Survivors, relationship: Relationship, survivor: str, stated: Iterable[tuple[str, set[str]]], *, former: bool
) -> LinksOfList:
    """The links of a cluster. ``stated``: its records that state something, each with the elements that it states;
    ``former``: the survivor is deleted."""
    found: dict[str, tuple[tuple[bool, bool, bytes, bytes], Stated]] = {}
    kind = relationship.element_kind
    merged = bool(names.losers(relationship.listing_kind, survivor))
    plain = Stated(former=former)
    alone: LinksOfList = {}
    for listing, elements in stated:
        for element in elements:
            named = names.now(kind, element)
            if kind == relationship.listing_kind and named == survivor and (merged or element != listing):
                continue
            if listing == survivor and named == element:
                alone[element] = plain  # comes before any other statement of the same link
                continue
            place = listing != survivor, named != element, listing.encode(), element.encode()
            if named not in found or place < found[named][0]:
                said = Stated(None if listing == survivor else listing, None if named == element else element, former)
                found[named] = place, said
    return {named: said for named, (_, said) in found.items()} | alone


def add_differences(
    diff: Diff, relationship: Relationship, listing: str, before: LinksOfList, now: LinksOfList, cause: Entry
) -> None:
    """Adds to a difference which links of an entity with a list end and begin."""
    for element, stated in before.items():
        if now.get(element) != stated:
            diff.closed.append(ClosedLink(relationship, *relationship.ends(listing, element), cause))
    for element, stated in now.items():
        if before.get(element) != stated:
            diff.opened.append(_opened(relationship, listing, element, stated, cause))


def _opened(relationship: Relationship, listing: str, element: str, stated: Stated, cause: Entry) -> OpenedLink:
    child, parent = relationship.ends(listing, element)
    stated_child, stated_parent = (stated.listing, stated.element)
    if relationship.parent_lists:
        stated_child, stated_parent = stated_parent, stated_child
    return OpenedLink(
        relationship,
        child,
        parent,
        None,
        cause,
        former=stated.former,
        stated_child=stated_child,
        stated_parent=stated_parent,
    )
