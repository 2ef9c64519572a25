"""Counts the links of a relationship by state.

Cost: all links are counted along one index, some tenths of a second per million. Waiting and broken links are counted
from the few rows that cause them, the waits and the tombstones of the parent's kind, with one lookup for each.
"""

from datetime import datetime
from typing import NamedTuple

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_value
from store.read.link_state import LinkState


class _WaitingCounts(NamedTuple):
    """A row of ``count_waiting``."""

    links: int
    overdue: int
    parents: int


class _ListedCounts(NamedTuple):
    """A row of ``count_listed_children``."""

    linked: int
    waiting: int
    overdue: int
    broken: int


class _BrokenCounts(NamedTuple):
    """A row of ``count_broken``."""

    links: int
    parents: int


async def count_by_state(at: Snapshot, relationship: Relationship, now: datetime) -> dict[LinkState, int]:
    """Returns state → number of links, as of the newest revision. ``now`` decides what is overdue."""
    names = {"tenant": at.tenant, "relationship": relationship.name}
    overdue_before = now - relationship.on_missing.deadline
    if relationship.parent_lists:
        listed = await fetch_row(
            at.conn,
            _ListedCounts,
            "count_listed_children",
            **names,
            child_kind=relationship.child,
            overdue_before=overdue_before,
        )
        assert listed is not None
        counts: dict[LinkState, int] = {"linked": listed.linked, "waiting": listed.waiting, "conflict": 0}
        return {**counts, "overdue": listed.overdue, "broken": listed.broken}
    links: int = await fetch_value(at.conn, "count_links", **names)
    waiting = await fetch_row(at.conn, _WaitingCounts, "count_waiting", **names, overdue_before=overdue_before)
    broken = await fetch_row(at.conn, _BrokenCounts, "count_broken", **names, parent_kind=relationship.parent)
    assert waiting is not None  # aggregates always give a row
    assert broken is not None
    live = linked = links - waiting.links - broken.links
    if relationship.exclusive:  # of the children of one live parent, one is linked and all others are in conflict
        parents: int = await fetch_value(at.conn, "count_parents", **names)
        linked = parents - waiting.parents - broken.parents
    return {
        "linked": linked,
        "waiting": waiting.links - waiting.overdue,
        "overdue": waiting.overdue,
        "broken": broken.links,
        "conflict": live - linked,
    }
