"""What a link is: derived, whenever it is read, from its own row, its parent's row, and the clock.

- The parent is unknown: ``waiting``, or ``overdue`` after the deadline.
- The parent is deleted: ``broken``.
- The parent is live: ``linked``; where a parent may have one child, all but the first of several: ``conflict``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import sql

STATES = ("linked", "waiting", "overdue", "broken", "conflict")

Claim = tuple[str, str, int]
"""(relationship, parent, revision): who has the right to that parent then?"""


class Link(NamedTuple):
    """A link as of a revision. ``due``: until when the parent is waited for; None if it is not."""

    child: str
    parent: str
    state: str
    since: datetime
    due: datetime | None


class Row(NamedTuple):
    """What is read of a link. ``state`` is its parent's."""

    child: str
    parent: str
    since: datetime
    state: str | None


async def derive(at: Snapshot, relationship: Relationship, rows: Sequence[Row], now: datetime) -> list[Link]:
    """The links of these rows, in their order."""
    contested: Iterable[str] = {r.parent for r in rows if r.state == "live"} if relationship.exclusive else ()
    first = await holders(at, [(relationship.name, parent, at.revision) for parent in contested])
    return [_link(at, relationship, row, first, now) for row in rows]


def _link(at: Snapshot, relationship: Relationship, row: Row, first: dict[Claim, Any], now: datetime) -> Link:
    state, due = bond(row.state), None
    if state == "waiting":
        due = row.since + relationship.on_missing.deadline
        state = "overdue" if due < now else state
    elif state == "linked":
        holder = first.get((relationship.name, row.parent, at.revision))
        state = "conflict" if holder is not None and holder["child"] != row.child else state
    return Link(row.child, row.parent, state, row.since, due)


def bond(parent: str | None) -> str:
    """The state of a link whose parent is in this state, conflicts and the clock left out."""
    return {"live": "linked", "deleted": "broken"}.get(parent or "unknown", "waiting")


async def holders(at: Snapshot, claims: Sequence[Claim]) -> dict[Claim, Any]:
    """Claim → row (child, from_revision, to_revision) of the first child; claims without any are left out.

    Reads all children of each parent: there are few, where one is allowed.
    """
    if not claims:
        return {}
    relationships, parents, revisions = zip(*claims, strict=True)
    rows = await at.conn.fetch(sql("holders"), at.tenant, relationships, parents, revisions)
    return {claims[row["n"] - 1]: row for row in rows}
