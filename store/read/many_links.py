"""Reads pages of many-to-many links: by child and parent, or of one parent by child.

The state of such a link follows from the entity that it names: the parent, or the child where parents list them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from store.db.filtered_page import ReadRows, filtered_page, read_rows
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.link_query import ChildOf, LinkPosition, LinkQuery
from store.read.link_state import LinkView, StoredLink, derive


async def page(
    at: Snapshot, query: LinkQuery, after: LinkPosition | None, limit: int, now: datetime
) -> tuple[list[LinkView], LinkPosition | None]:
    """Returns up to ``limit`` links after a position, and the position of the next page; None: this is the last one.

    ``after``: [child, parent] of the last link; of the links of one parent [parent, child].
    """
    if query.state == "conflict":
        return [], None
    of_parent = query.parent is not None and query.child is None

    async def read(position: LinkPosition | None, size: int) -> ReadRows[LinkView, LinkPosition]:
        stored = await _read(at, query, position, size)
        found = read_rows(stored, size, place)
        return ReadRows(await derive(at, query.relationship, stored, now), found.position, found.scanned)

    def place(link: LinkView | StoredLink) -> LinkPosition:
        return [link.parent, link.child] if of_parent else [link.child, link.parent]

    matches = None if query.state is None else lambda link: link.state == query.state
    return await filtered_page(read, place, after, limit, matches)


async def _read(at: Snapshot, query: LinkQuery, after: LinkPosition | None, size: int) -> list[StoredLink]:
    relationship = query.relationship
    first, second = after or ["", ""]
    named: dict[str, Any] = {
        "tenant": at.tenant,
        "relationship": relationship.name,
        "element_kind": relationship.element_kind,
        "parent_lists": relationship.parent_lists,
        "revision": at.revision,
        "size": size,
    }
    if query.child is not None:
        return await fetch_rows(
            at.conn,
            StoredLink,
            "listed_links_of_child",
            child=query.child,
            parent=query.parent,
            after_parent=second,
            **named,
        )
    if query.parent is not None:
        return await fetch_rows(
            at.conn, StoredLink, "listed_links_of_parent", parent=query.parent, after_child=second, **named
        )
    return await fetch_rows(at.conn, StoredLink, "listed_links_page", after_child=first, after_parent=second, **named)


async def parents_of(
    at: Snapshot,
    relationships: Sequence[str],
    children: Sequence[str],
    after: Sequence[str],
    revisions: Sequence[int],
    begun_by: Sequence[int],
    size: int,
    *,
    former: bool = True,
) -> list[ChildOf]:
    """Returns up to ``size`` parents of these children, child by child, each child's by key, in the field ``child``.

    The parameters are those of `links.children_of`, with the sides exchanged.
    """
    return await fetch_rows(
        at.conn,
        ChildOf,
        "parents_of",
        tenant=at.tenant,
        relationships=relationships,
        children=children,
        after_parents=after,
        revisions=revisions,
        begun_by=begun_by,
        size=size,
        former=former,
    )
