"""Compares the items of entities with the versions that ended when theirs began."""

from typing import Any, NamedTuple

import orjson

from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.entities import EntityState
from store.read.feed_items import ENTITIES, FeedItem
from store.read.feed_query import FeedQuery


class _VersionEnded(NamedTuple):
    """A row of ``versions_ended``."""

    kind: str
    key: str
    revision: int
    state: EntityState
    data: dict[str, Any]
    erased: bool


async def with_previous(at: Snapshot, query: FeedQuery, items: list[FeedItem]) -> list[FeedItem]:
    """Returns the items, those of entities with ``previous`` (state and data) if the query wants it, and without those
    that differ in nothing from it if the query wants only changes. What an erasure began differs from what was read.

    A placeholder counts as no version: ``previous`` is null.
    """
    wanted = [(item.body["kind"], item.body["key"], item.revision) for item in items if item.phase == ENTITIES]
    if not wanted:
        return items
    kinds, keys, revisions = (list(column) for column in zip(*wanted, strict=True))
    rows = await fetch_rows(
        at.conn, _VersionEnded, "versions_ended", tenant=at.tenant, kinds=kinds, keys=keys, revisions=revisions
    )
    before = {(row.kind, row.key, row.revision): _shown(query, row) for row in rows if row.state != "unknown"}
    erased = {(row.kind, row.key, row.revision) for row in rows if row.erased}
    found = []
    for item in items:
        if item.phase == ENTITIES:
            at_revision = item.body["kind"], item.body["key"], item.revision
            previous, now = before.get(at_revision), {"state": item.body["state"], "data": item.body["data"]}
            same = previous == now and _json(previous) == _json(now)
            if query.only_changes and same and at_revision not in erased:
                continue
            if query.with_previous:
                item = item._replace(body={**item.body, "previous": previous})
        found.append(item)
    return found


def _json(value: Any) -> bytes:
    """To Python 1 and True are equal, in JSON they are not."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _shown(query: FeedQuery, row: _VersionEnded) -> dict[str, Any]:
    data = row.data if row.state == "live" else {}
    return {"state": row.state, "data": query.replica.reduced(data) if query.replica else data}
