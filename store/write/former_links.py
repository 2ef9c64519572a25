"""Links of children that were requested for a former incarnation of their parent.

Such a child names its parent and the creation of it that was known when the child was requested. If the parent's newest
deletion came after that creation, the child belongs to what was deleted: its link is broken, also while the parent is
live again. That follows from the facts alone. It is stored with the link when one of the two sides changes, so that
readers need not derive it.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write.diff import ClosedLink, Diff, EntityKey, OpenedLink, StateChange
from store.write.entity_state import FoldedEntity, find_entities


class _EndRow(NamedTuple):
    kind: str
    key: str
    ended: bytes
    live: bool


class _RequestedChild(NamedTuple):
    """A row of ``links_to_recreated``."""

    relationship: str
    child: str
    parent: str
    rank: bytes | None
    former: bool
    stated_child: str | None


async def mark(conn: Connection, catalog: Catalog, tenant: str, diff: Diff) -> None:
    """Marks the links of a difference that are of former incarnations, and adds those links to it that become so."""
    if any(link.parent_created is not None for link in diff.opened):
        await _mark_opened(conn, tenant, diff)
    recreated = [
        change
        for change in (*diff.state_changes, *diff.ends)
        if change.entity.kind in catalog.requesting and change.entity.state == "live" and _was_ended(change)
    ]
    if recreated:
        await _add_reopened(conn, catalog, tenant, diff, recreated)


def _was_ended(change: StateChange) -> bool:
    """Whether a deletion of the entity is known, or was, and is void now."""
    return bool(change.entity.ended) or (change.entity.stored and not change.was_placeholder)


async def _mark_opened(conn: Connection, tenant: str, diff: Diff) -> None:
    ended = {
        (entity.kind, entity.key): (entity.ended, entity.state == "live") for entity in (*diff.versions, *diff.touched)
    }
    parents = {(link.relationship.parent, _stated(link)) for link in diff.opened if link.parent_created is not None}
    ended |= await _ends(conn, tenant, parents - ended.keys())
    diff.opened = [link._replace(former=_is_of_former(link, ended)) for link in diff.opened]


def _stated(link: OpenedLink) -> str:
    return link.stated_parent or link.parent


def _is_of_former(link: OpenedLink, ends: Mapping[EntityKey, tuple[bytes, bool]]) -> bool:
    """Whether the incarnation that a child was requested for has ended. ``ends``: of each record its newest deletion,
    and whether it is live. A loser that is deleted was retired: its last life goes on in the survivor."""
    ended, live = ends.get((link.relationship.parent, _stated(link)), (b"", False))
    return is_former(link.parent_created, ended) and (live or link.stated_parent is None)


async def _add_reopened(
    conn: Connection, catalog: Catalog, tenant: str, diff: Diff, recreated: Collection[StateChange]
) -> None:
    """Ends links to parents that exist again, and begins them as what they are now: of a former incarnation or not."""
    parents = {
        (relationship.name, change.entity.key): (relationship, change)
        for change in recreated
        for relationship in catalog.requesting[change.entity.kind]
    }
    rows = await fetch_rows(
        conn,
        _RequestedChild,
        "links_to_recreated",
        tenant=tenant,
        relationships=[name for name, _ in parents],
        parents=[key for _, key in parents],
    )
    changed = {(link.relationship.name, link.child) for link in diff.closed}
    left = [row for row in rows if (row.relationship, row.child) not in changed]
    wanted = {(parents[row.relationship, row.parent][0].child, row.stated_child or row.child) for row in left}
    children = await _children(conn, tenant, wanted, diff)
    for row in left:
        relationship, change = parents[row.relationship, row.parent]
        created = children[relationship.child, row.stated_child or row.child].parent_created(relationship)
        former = is_former(created, change.entity.ended)
        if former != row.former:
            diff.closed.append(ClosedLink(relationship, row.child, row.parent, change.cause))
            link = OpenedLink(relationship, row.child, row.parent, row.rank, change.cause, created, former=former)
            diff.opened.append(link._replace(stated_child=row.stated_child))


async def _children(conn: Connection, tenant: str, wanted: set[EntityKey], diff: Diff) -> dict[EntityKey, FoldedEntity]:
    known = {(entity.kind, entity.key): entity for entity in (*diff.versions, *diff.touched)}
    stored = await find_entities(conn, tenant, wanted - known.keys()) if wanted - known.keys() else []
    return known | {(entity.kind, entity.key): entity for entity in stored}


async def _ends(conn: Connection, tenant: str, wanted: Collection[EntityKey]) -> dict[EntityKey, tuple[bytes, bool]]:
    """(kind, key) → the order key of the newest deletion, and whether it is live, of those that were ever deleted."""
    if not wanted:
        return {}
    query: dict[str, Any] = {"kinds": [kind for kind, _ in wanted], "keys": [key for _, key in wanted]}
    rows = await fetch_rows(conn, _EndRow, "ends", tenant=tenant, **query)
    return {(row.kind, row.key): (row.ended, row.live) for row in rows}


def is_former(created: bytes | None, ended: bytes) -> bool:
    """Whether what was created then has ended. ``ended``: the order key of the newest deletion; empty: none."""
    return created is not None and ended > created
