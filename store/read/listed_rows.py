"""Reads what snapshots and audits hold of many-to-many links, by child and parent.

A row is known by its key, the subject that its items have in the feed: ``["child","parent"]``, as JSON.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from catalog.relationship import Relationship
from errors import BadToken
from store.db.snapshot import Snapshot
from store.db.sql import Row, fetch_row, fetch_rows


def ends(key: str) -> tuple[str, str]:
    """(child, parent) of a key; before all others, if it is empty. Raises BadToken for what is no key."""
    if not key:
        return "", ""
    try:
        child, parent = orjson.loads(key)
    except (orjson.JSONDecodeError, TypeError, ValueError):
        child = parent = None
    if not isinstance(child, str) or not isinstance(parent, str):
        raise BadToken("the cursor is not the `id` of a line of this snapshot; leave it out to start a new one")
    return child, parent


async def lines(
    at: Snapshot, page_type: type[Row], relationship: Relationship, after: str, size: int, texts: dict[str, str]
) -> Row:
    """The lines of a page of links after a key. ``texts``: those that all lines have."""
    found = await fetch_row(
        at.conn, page_type, "snapshot_listed_links", size=size, **_page(at, relationship, after), **texts
    )
    assert found is not None
    return found


async def buckets(
    at: Snapshot,
    part_type: type[Row],
    relationship: Relationship,
    after: str,
    size: int,
    prefixes: Sequence[str],
    digits: int,
    until: str | None,
) -> list[Row]:
    """What a page of links after a key adds to buckets, of those up to the key ``until``; and the last key."""
    child, parent = (None, None) if until is None else ends(until)
    return await fetch_rows(
        at.conn,
        part_type,
        "audit_listed_links",
        size=size,
        prefixes=prefixes,
        digits=digits,
        until_child=child,
        until_parent=parent,
        **_page(at, relationship, after),
    )


async def hashes(
    at: Snapshot, row_type: type[Row], relationship: Relationship, after: str, size: int, prefixes: Sequence[str]
) -> list[Row]:
    """The hashes of a page of links after a key, of those in some buckets; and the last key."""
    return await fetch_rows(
        at.conn, row_type, "audit_listed_link_rows", size=size, prefixes=prefixes, **_page(at, relationship, after)
    )


def _page(at: Snapshot, relationship: Relationship, after: str) -> dict[str, Any]:
    after_child, after_parent = ends(after)
    return {
        "tenant": at.tenant,
        "relationship": relationship.name,
        "element_kind": relationship.element_kind,
        "parent_lists": relationship.parent_lists,
        "revision": at.revision,
        "after_child": after_child,
        "after_parent": after_parent,
    }
