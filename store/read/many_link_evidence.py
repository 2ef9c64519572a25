"""Finds what decides the state of one many-to-many link: facts about the list, and of the entity that it names."""

from datetime import datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows
from store.read import many_links, waits
from store.read.deciding_facts import find_fact
from store.read.link_evidence import VERSIONS, ChildCascade, Explanation, LinkVersion, state_order
from store.read.link_query import LinkQuery
from store.read.link_state import LinkView
from store.read.similar_keys import similar_keys
from store.write import element_facts
from store.write.element_facts import ElementKey
from store.write.entity_state import FoldedEntity, fetch_entities
from store.write.list_links import register


class _ListedVersion(NamedTuple):
    """A row of ``listed_link_versions``."""

    parent: str
    since: datetime
    from_revision: int
    to_revision: int


async def explain(
    at: Snapshot, catalog: Catalog, relationship: Relationship, child: str, parent: str, now: datetime
) -> Explanation | None:
    """Explains the link of a child to one of its parents as of the newest revision; None if there never was one."""
    rows = await fetch_rows(
        at.conn,
        _ListedVersion,
        "listed_link_versions",
        tenant=at.tenant,
        relationship=relationship.name,
        child=child,
        parent=parent,
        size=VERSIONS,
    )
    if not rows:
        return None
    versions = [LinkVersion(*row) for row in reversed(rows)]
    found, _ = await many_links.page(at, LinkQuery(relationship, parent, child), None, 1, now)
    link = found[0] if found else None
    if link is not None:
        versions[-1] = versions[-1]._replace(to_revision=None)
    listing, element = stated_keys(relationship, child, parent, link)
    named = child if relationship.parent_lists else parent
    wanted = [(relationship.listing_kind, listing), (relationship.element_kind, named)]
    wanted.append((relationship.parent, parent))
    record, of_element, of_parent = await fetch_entities(at.conn, at.tenant, wanted)
    former = link is not None and of_parent.state == "deleted" and relationship.parent_lists
    similar: tuple[str, ...] = ()
    if link is not None and link.state in ("waiting", "overdue"):
        missing = relationship.element_kind, named
        similar = tuple((await similar_keys(at, [missing])).get(missing, ()))
    return Explanation(
        link=link,
        child_fact=await find_fact(
            at, record.kind, record.key, await _deciding_order(at, relationship, record, element)
        ),
        parent_fact=await find_fact(
            at,
            relationship.parent if former else of_element.kind,
            parent if former else of_element.key,
            of_parent.ended if former else state_order(of_element),
        ),
        history=versions,
        holder=None,
        wait=await waits.find(at, relationship.name, named),
        cascade=await _cascade(at, relationship, child, of_parent) if link is not None else None,
        former=former,
        similar=similar,
    )


def stated_keys(relationship: Relationship, child: str, parent: str, link: LinkView | None) -> tuple[str, str]:
    """The keys of the entity with the list and of the element, as the list's owner stated them."""
    if link is not None:
        child, parent = link.stated_child or child, link.stated_parent or parent
    return (parent, child) if relationship.parent_lists else (child, parent)


async def _deciding_order(at: Snapshot, relationship: Relationship, record: FoldedEntity, element: str) -> bytes:
    """The order key of the fact that says whether the element is in the list, or that deleted the entity with it."""
    if record.state == "deleted":
        return record.ended
    key = ElementKey(relationship.name, record.key, element)
    known = await element_facts.read_elements(at.conn, at.tenant, [key])
    said = known.get((relationship.name, record.key), {}).get(element)
    now = register(relationship, record)
    return said.order if said is not None and said.order > max(now.ended, now.order) else now.order


async def _cascade(
    at: Snapshot, relationship: Relationship, child: str, of_parent: FoldedEntity
) -> ChildCascade | None:
    if relationship.sweep is None or not of_parent.ended:
        return None
    return await fetch_row(
        at.conn,
        ChildCascade,
        "cascade_of_child",
        tenant=at.tenant,
        kind=relationship.parent,
        parent=of_parent.key,
        incarnation=of_parent.incarnation,
        relationship=relationship.name,
        child=child,
    )
