"""Finds the links whose instance was overdue until they became linked."""

from typing import NamedTuple

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.feed_items import LINKS, PARENTS, FeedItem


class _EndedLate(NamedTuple):
    """A row of ``waits_ended_late``."""

    n: int


async def mark_late(at: Snapshot, relationships: dict[str, Relationship], items: list[FeedItem]) -> None:
    """Adds ``late`` to the bodies of linked items whose instance was overdue until then.

    A parent that was missing completes all its links; a child that was missing, where children are requested, its own.
    """
    waited: dict[tuple[str, str, str, int], list[FeedItem]] = {}
    for item in items:
        body = item.body
        missing = {LINKS: "child", PARENTS: "parent"}.get(item.phase)
        if missing is None or body["state"] != "linked":
            continue
        relationship = relationships[body["relationship"]]
        if missing == "parent" or relationship.requested is not None:
            instance = body["child" if relationship.parent_lists else "parent"]
            waited.setdefault((relationship.name, instance, missing, item.revision), []).append(item)
    if not waited:
        return
    instances = list(waited)
    rows = await fetch_rows(
        at.conn,
        _EndedLate,
        "waits_ended_late",
        tenant=at.tenant,
        kinds=[relationships[name].element_kind for name, _, _, _ in instances],
        keys=[parent for _, parent, _, _ in instances],
        relationships=[name for name, _, _, _ in instances],
        missing=["child" if relationships[name].parent_lists else missing for name, _, missing, _ in instances],
        itself=[missing == "parent" for _, _, missing, _ in instances],
        revisions=[revision for _, _, _, revision in instances],
    )
    for row in rows:
        for item in waited[instances[row.n - 1]]:
            item.body["late"] = True
