"""Explicit links and unlinks of many-to-many relationships: facts of Tether's own about one element of a list.

Each has the place of the newest fact about the entity with the list, or about the element if that is newer, and arrives
after it: it lasts until the owner publishes a later one.
"""

from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts import own_facts
from facts.elements import own_change
from facts.envelope import Entry, nanoseconds_of
from store.db.pool import Connection
from store.db.sql import fetch_row
from store.operations.fact_place import FactPlace
from store.operations.operation_row import OperationRow
from store.write import element_facts
from store.write.element_facts import ElementKey
from store.write.entity_state import fetch_entities
from store.write.settle import settle

STATEMENTS = 100
"""Statements of one link that one unlink ends at most: of merged records each may state it."""


class StatedEnds(NamedTuple):
    """A row of ``stated_ends``: the child and the parent of a link, as they were stated."""

    child: str
    parent: str


async def stated_ends(
    conn: Connection, tenant: str, relationship: Relationship, child: str, parent: str
) -> StatedEnds | None:
    """How the current link of a child to a parent was stated; None: there is none."""
    return await fetch_row(
        conn, StatedEnds, "stated_ends", tenant=tenant, relationship=relationship.name, child=child, parent=parent
    )


async def link(
    conn: Connection, catalog: Catalog, relationship: Relationship, row: OperationRow, child: str, parent: str
) -> int:
    """Records that a child has a parent; returns the revision."""
    return await _record(conn, catalog, relationship, row, StatedEnds(child, parent), linked=True)


async def unlink(
    conn: Connection, catalog: Catalog, relationship: Relationship, row: OperationRow, child: str, parent: str
) -> int | None:
    """Records that a child does not have a parent, for each statement that it does; returns the revision.

    None: it did not have it.
    """
    revision = None
    for _ in range(STATEMENTS):
        stated = await stated_ends(conn, row.tenant, relationship, child, parent)
        if stated is None:
            break
        revision = await _record(conn, catalog, relationship, row, stated, linked=False)
    return revision


async def _record(
    conn: Connection,
    catalog: Catalog,
    relationship: Relationship,
    row: OperationRow,
    ends: StatedEnds,
    *,
    linked: bool,
) -> int:
    listing, element = (ends.parent, ends.child) if relationship.parent_lists else ends
    (record,) = await fetch_entities(conn, row.tenant, [(relationship.listing_kind, listing)])
    at = ElementKey(relationship.name, listing, element)
    known = (await element_facts.read_elements(conn, row.tenant, [at])).get((relationship.name, listing), {})
    newest = max(record.latest, *(register.order for register in known.values()), b"")
    place = await fetch_row(
        conn, FactPlace, "place_of_fact", tenant=row.tenant, kind=record.kind, key=record.key, order_key=newest
    )
    sequence, time = (None, None) if place is None else (place.sequence, nanoseconds_of(place.time, place.finer))
    entry = _entry(relationship, ends, sequence, time, linked=linked, operation=row.id)
    return (await settle(conn, catalog, row.tenant, [entry], row.actor)).revision


def _entry(
    relationship: Relationship,
    ends: StatedEnds,
    sequence: str | None,
    time: int | None,
    *,
    linked: bool,
    operation: str,
) -> Entry:
    data = {"relationship": relationship.name, "child": ends.child, "parent": ends.parent}
    name = "Linked" if linked else "Unlinked"
    return own_facts.entry(
        name,
        relationship.listing_kind,
        ends.parent if relationship.parent_lists else ends.child,
        data,
        id=own_facts.derived_id(name, relationship.name, ends.parent, ends.child, sequence, time, operation),
        sequence=sequence,
        time=time,
        correlation=operation or None,
        elements=(own_change(relationship, data, added=linked),),
    )
