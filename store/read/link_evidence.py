"""Finds what decides the state of a link: the deciding facts, all its versions, and what is being done about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from messages.child_reasons import ParkCode, SkipCode
from messages.operation_reasons import ReasonDetails
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows
from store.read import links, waits
from store.read.deciding_facts import DecidingFact, StaleFact, find_fact, find_stale, naming_order
from store.read.link_query import LinkQuery
from store.read.link_state import LinkView, holders
from store.read.similar_keys import similar_keys
from store.read.waits import WaitRow
from store.write.entity_state import FoldedEntity, fetch_entities

VERSIONS = 100
"""Versions of a link that an explanation has at most: the newest."""


class LinkVersion(NamedTuple):
    """The parent of a child over a range of revisions; ``to_revision``: None while it is valid."""

    parent: str
    since: datetime
    from_revision: int
    to_revision: int | None


class ChildCascade(NamedTuple):
    """How far the cascade of a deleted parent is with one child; also if that parent was created again.

    ``operation``: its id; ``state``: its state; ``child_state``: that of the operation child, None: not planned yet;
    ``skip_reason``, ``park_reason``, ``details`` and ``last_error``: why it is in that state, for `describe_child`;
    ``changed_at``: when the child's state last changed.
    """

    operation: str
    state: str
    child_state: str | None
    skip_reason: SkipCode | None
    park_reason: ParkCode | None
    details: ReasonDetails | None
    last_error: str
    changed_at: datetime | None


class Explanation(NamedTuple):
    """Why a link is in its state. ``link``: None if the child has no parent any more."""

    link: LinkView | None
    child_fact: DecidingFact | None
    """The child's fact that names its parent, or that ended the link."""
    parent_fact: DecidingFact | None
    """The parent's fact that gave the parent its state."""
    history: list[LinkVersion]
    """Oldest first; never empty."""
    holder: str | None
    """Of a conflict: the child that holds the parent."""
    wait: WaitRow | None
    """What the parent's relationship instance waits for."""
    cascade: ChildCascade | None = None
    former: bool = False
    """Whether the child was requested for a former incarnation of the parent, which is live again."""
    similar: Sequence[str] = ()
    """Of a link that waits: keys of live entities of the parent's kind that differ only in their spelling."""
    stale: Sequence[StaleFact] = ()
    """Facts that arrived later than the deciding ones, are older, and would have decided otherwise: the last few."""


class _VersionRow(NamedTuple):
    """A row of ``link_versions``."""

    parent: str
    since: datetime
    from_revision: int
    to_revision: int


async def explain(
    at: Snapshot, catalog: Catalog, relationship: Relationship, child: str, now: datetime
) -> Explanation | None:
    """Explains the link of a child as of the newest revision; None if the child never had a link."""
    rows = await fetch_rows(
        at.conn,
        _VersionRow,
        "link_versions",
        tenant=at.tenant,
        relationship=relationship.name,
        child=child,
        size=VERSIONS,
    )
    if not rows:
        return None
    versions = [LinkVersion(*row) for row in reversed(rows)]
    found, _ = await links.page(at, LinkQuery(relationship, child=child), None, 1, now)
    link = found[0] if found else None
    if link is not None:
        versions[-1] = versions[-1]._replace(to_revision=None)
    parent = versions[-1].parent
    record = child if link is None else link.stated_child or child
    entities = [(relationship.child, record), (relationship.parent, parent)]
    child_state, parent_state = await fetch_entities(at.conn, at.tenant, entities)
    holder = None
    if link is not None and link.state == "conflict":
        claim = (relationship.name, parent, at.revision)
        holder = (await holders(at, [claim]))[claim].child
    cascade = None
    swept = relationship.sweep is not None and parent_state.ended
    if link is not None and swept and link.state in ("broken", "linked"):
        cascade = await fetch_row(
            at.conn,
            ChildCascade,
            "cascade_of_child",
            tenant=at.tenant,
            kind=relationship.parent,
            parent=parent,
            incarnation=parent_state.incarnation,
            relationship=relationship.name,
            child=child,
        )
    similar: Sequence[str] = ()
    if link is not None and link.state in ("waiting", "overdue"):
        missing = (relationship.parent, parent)
        similar = (await similar_keys(at, [missing])).get(missing, ())
    former = link is not None and link.state == "broken" and parent_state.state == "live"
    return Explanation(
        link=link,
        child_fact=await find_fact(at, relationship.child, record, naming_order(child_state, relationship)),
        parent_fact=await find_fact(
            at, relationship.parent, parent, parent_state.ended if former else state_order(parent_state)
        ),
        history=versions,
        holder=holder,
        wait=await waits.find(at, relationship.name, parent),
        cascade=cascade,
        former=former,
        similar=similar,
        stale=await find_stale(
            at, catalog, relationship, child_state, None if former or link is None else parent_state
        ),
    )


def state_order(entity: FoldedEntity) -> bytes:
    """Returns the order key of the fact that gave an entity its state: its creation, its deletion, else its newest."""
    if entity.state == "unknown":
        return b""
    if entity.state == "deleted":
        return entity.ended
    return entity.created if entity.created > entity.ended else entity.latest
