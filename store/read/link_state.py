"""Derives the state of a link, at each read, from its own row, its parent's row, and the clock.

- The parent is unknown: ``waiting``, or ``overdue`` after the deadline.
- The parent is deleted, or the child was requested for a former incarnation of it: ``broken``.
- The parent is live: ``linked``. Where a parent may have one child only, the first child is ``linked`` and all
  others are ``conflict``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias, get_args

from catalog.relationship import Relationship
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.entities import EntityState

LinkState: TypeAlias = Literal["linked", "waiting", "overdue", "broken", "conflict"]
LINK_STATES: tuple[LinkState, ...] = get_args(LinkState)

Claim: TypeAlias = tuple[str, str, int]
"""(relationship, parent, revision): which child holds that parent at that revision?"""


class LinkView(NamedTuple):
    """A link as of a revision. ``due``: until when it waits for its parent; None: it does not wait.

    ``stated_child``, ``stated_parent``: the keys that the child's owner stated, where they are merged into these.
    """

    child: str
    parent: str
    state: LinkState
    since: datetime
    due: datetime | None
    stated_child: str | None = None
    stated_parent: str | None = None


class StoredLink(NamedTuple):
    """A row of ``links`` with the state of its parent; deleted, if the link is to a former incarnation of it."""

    child: str
    parent: str
    since: datetime
    parent_state: EntityState | None
    stated_child: str | None = None
    stated_parent: str | None = None


class Holder(NamedTuple):
    """The child that holds a parent, and the revisions over which its link is valid."""

    child: str
    from_revision: int
    to_revision: int


class _HolderRow(NamedTuple):
    """A row of ``holders``. ``n``: the number of the claim, from 1."""

    n: int
    child: str
    from_revision: int
    to_revision: int


async def derive(
    at: Snapshot, relationship: Relationship, links: Sequence[StoredLink], now: datetime
) -> list[LinkView]:
    """Returns the links with their states, in the order given. ``now`` decides between waiting and overdue."""
    parents: Iterable[str] = ()
    if relationship.exclusive:
        parents = {link.parent for link in links if link.parent_state == "live"}
    held = await holders(at, [(relationship.name, parent, at.revision) for parent in parents])
    return [_view(at, relationship, link, held, now) for link in links]


def _view(
    at: Snapshot, relationship: Relationship, link: StoredLink, held: Mapping[Claim, Holder], now: datetime
) -> LinkView:
    state, due = state_by_parent(link.parent_state), None
    if state == "waiting":
        due = link.since + relationship.on_missing.deadline
        state = "overdue" if due < now else state
    elif state == "linked":
        holder = held.get((relationship.name, link.parent, at.revision))
        state = "conflict" if holder is not None and holder.child != link.child else state
    return LinkView(link.child, link.parent, state, link.since, due, link.stated_child, link.stated_parent)


def state_by_parent(parent: EntityState | None) -> LinkState:
    """Returns the state of a link by that of its parent alone: ``linked``, ``waiting`` or ``broken``."""
    if parent == "live":
        return "linked"
    return "broken" if parent == "deleted" else "waiting"


async def holders(at: Snapshot, claims: Sequence[Claim]) -> dict[Claim, Holder]:
    """Returns the first child of each claimed parent; claims on a parent without children are left out.

    Reads all children of each parent: where one is allowed there are few.
    """
    if not claims:
        return {}
    relationships, parents, revisions = zip(*claims, strict=True)
    rows = await fetch_rows(
        at.conn,
        _HolderRow,
        "holders",
        tenant=at.tenant,
        relationships=relationships,
        parents=parents,
        revisions=revisions,
    )
    return {claims[row.n - 1]: Holder(row.child, row.from_revision, row.to_revision) for row in rows}
