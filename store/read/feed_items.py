"""Builds the items of the feed: bodies of JSON without the token of their revision."""

from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from catalog.relationship import Relationship
from facts.envelope import in_utc, nanoseconds_of, rfc_3339
from store.read.entities import EntityState
from store.read.link_state import LinkState, state_by_parent

FeedChange: TypeAlias = Literal["entity", "link", "fact", "merged", "unmerged", "activity"]
FeedLinkState: TypeAlias = LinkState | Literal["closed"]
"""``closed``: the child has no parent any more. A feed never has ``overdue``, which depends on the clock."""

ENTITIES, LINKS, HOLDERS, PARENTS, FACTS, MERGES, ACTIVITY = range(7)
"""Phases of a revision, in the order of its items. Offsets hold them: their numbers stay."""
LAST_PHASE = ACTIVITY
NUMBERED = (FACTS, ACTIVITY)
"""Phases whose items have the position of a fact in the ledger as their key, with 20 digits."""

Keys: TypeAlias = tuple[str, str, str]
FIRST_KEYS: Keys = ("", "", "")
"""Before all others: no key is empty."""


class CausingFact(NamedTuple):
    """A fact behind an item."""

    source: str
    id: str
    type: str
    correlation: str | None
    causation: str | None


class FeedItem(NamedTuple):
    """One change. (revision, phase, keys) is its place in the feed; no two items have the same."""

    revision: int
    phase: int
    keys: Keys
    """In the order of the phase, as PostgreSQL compares them: bytewise. Unused ones are empty, and last."""
    body: dict[str, Any]
    number: int = 0
    """Among the items of the phase whose keys begin alike: `feed_offsets.number`."""
    time: datetime | None = None
    """Of the revision, and ``actor``, who wrote it: `feed_causes.with_causes`."""
    actor: str = ""
    cause: tuple[str, str] | None = None
    """Kind and key of the entity whose facts are behind the item; None: the item is a fact itself."""
    facts: tuple[CausingFact, ...] = ()
    """The facts of the revision about that entity."""
    subject: str | None = None
    """Of a many-to-many link: what it is known by; None: by the key in the body."""


class EntityChange(NamedTuple):
    """A row of ``feed_entities``: a version of an entity that began, or ``unknown``: all of its facts are void.

    ``size``: bytes of its data.
    """

    revision: int
    kind: str
    key: str
    state: EntityState
    data: dict[str, Any]
    size: int


class LinkChange(NamedTuple):
    """A row of ``feed_links``: a link that began, or ended without a successor.

    ``previous_parent``: the parent of the child's link that ended when this one began. ``many``: of a many-to-many link
    the parent; else empty.
    """

    revision: int
    relationship: str
    child: str
    parent: str
    many: str
    began: bool
    previous_parent: str | None
    stated_child: str | None
    stated_parent: str | None
    parent_state: EntityState | None


class MergeChange(NamedTuple):
    """A row of ``feed_merges``: a key that has another survivor now.

    ``survivor``: None if it is merged no more; ``previous``: the survivor until then, None if it was not merged.
    """

    revision: int
    kind: str
    key: str
    survivor: str | None
    previous: str | None


class OwnFact(NamedTuple):
    """A row of ``feed_facts``: a fact that Tether published itself."""

    revision: int
    position: int
    source: str
    id: str
    type: str
    key: str
    sequence: str | None
    time: datetime | None
    data: dict[str, Any]
    correlation: str | None
    causation: str | None
    traceparent: str | None
    extensions: dict[str, Any] | None


class ActivityChange(NamedTuple):
    """A row of ``feed_activity``: activity that was recorded, or voided. ``about_kind``, ``about_key``: the entity that
    it is about; ``replaced_by``: the survivor of that one; ``key``: of the fact. ``size``: bytes of its data."""

    revision: int
    position: int
    recorded: bool
    feed: str
    about_kind: str
    about_key: str
    replaced_by: str | None
    happened: datetime
    happened_nanoseconds: int
    source: str
    id: str
    type: str
    key: str
    sequence: str | None
    time: datetime | None
    data: dict[str, Any]
    correlation: str | None
    causation: str | None
    traceparent: str | None
    extensions: dict[str, Any] | None
    size: int


def entity_item(row: EntityChange) -> FeedItem:
    """Returns the item of an entity's version: its data is that of this version, the same for every reader."""
    change: FeedChange = "entity"
    body = {
        "change": change,
        "kind": row.kind,
        "key": row.key,
        "state": row.state,
        "data": row.data if row.state == "live" else {},
    }
    return FeedItem(row.revision, ENTITIES, (row.kind, row.key, ""), body, cause=(row.kind, row.key))


def link_change_item(row: LinkChange, relationship: Relationship) -> FeedItem:
    """Returns the item of a link that began or ended; ``previous_parent`` is in it if the child had another one."""
    state: FeedLinkState = state_by_parent(row.parent_state) if row.began else "closed"
    listing = (row.stated_parent or row.parent) if relationship.parent_lists else (row.stated_child or row.child)
    cause = relationship.listing_kind, listing
    item = link_item(LINKS, row.revision, row.relationship, row.child, row.parent, state, cause)
    if row.previous_parent not in (None, row.parent):
        item.body["previous_parent"] = row.previous_parent
    stated = {"stated_child": row.stated_child, "stated_parent": row.stated_parent}
    item.body.update({name: key for name, key in stated.items() if key is not None})
    return many(item, relationship)._replace(keys=(row.relationship, row.child, row.many))


def many(item: FeedItem, relationship: Relationship) -> FeedItem:
    """The item of a link; of a many-to-many link with a subject of its own: ``["child","parent"]``, as JSON."""
    if not relationship.many:
        return item
    subject = orjson.dumps([item.body["child"], item.body["parent"]]).decode()
    return item._replace(subject=subject)


def link_item(
    phase: int,
    revision: int,
    relationship: str,
    child: str,
    parent: str,
    state: FeedLinkState,
    cause: tuple[str, str],
) -> FeedItem:
    """Returns the item of a link in its new state. ``cause``: kind and key of the entity whose facts changed it."""
    change: FeedChange = "link"
    body = {"change": change, "relationship": relationship, "child": child, "parent": parent, "state": state}
    return FeedItem(revision, phase, (relationship, parent, child), body, cause=cause)


def merge_item(row: MergeChange) -> FeedItem:
    """Returns the item of a key that was merged, or ceased to be."""
    change: FeedChange = "unmerged" if row.survivor is None else "merged"
    body = {"change": change, "kind": row.kind, "key": row.key}
    if row.survivor is not None:
        body["survivor"] = row.survivor
    if row.previous is not None:
        body["previous_survivor"] = row.previous
    return FeedItem(row.revision, MERGES, (row.kind, row.key, ""), body, cause=(row.kind, row.key))


def fact_item(row: OwnFact) -> FeedItem:
    """Returns the item of a fact that Tether published, as a CloudEvent."""
    change: FeedChange = "fact"
    body = {"change": change, "fact": _event(row, in_utc(row.time))}
    return FeedItem(row.revision, FACTS, (f"{row.position:020}", "", ""), body)


def activity_item(row: ActivityChange) -> FeedItem:
    """Returns the item of activity that was recorded, or voided; ``replaced_by`` is in it if its entity is merged."""
    change: FeedChange = "activity"
    happened = nanoseconds_of(row.happened, row.happened_nanoseconds)
    assert happened is not None
    time = rfc_3339(happened)
    body = {
        "change": change,
        "state": "recorded" if row.recorded else "voided",
        "feed": row.feed,
        "kind": row.about_kind,
        "key": row.about_key,
        **({} if row.replaced_by is None else {"replaced_by": row.replaced_by}),
        "time": time,
        "fact": _event(row, None if row.time is None else time),
    }
    return FeedItem(row.revision, ACTIVITY, (f"{row.position:020}", "", ""), body)


def _event(row: OwnFact | ActivityChange, time: datetime | str | None) -> dict[str, Any]:
    """A fact as a CloudEvent."""
    event = {
        "specversion": "1.0",
        "id": row.id,
        "source": row.source,
        "type": row.type,
        "subject": row.key,
        "time": time,
        "sequence": row.sequence,
        "correlationid": row.correlation,
        "causationid": row.causation,
        "traceparent": row.traceparent,
        **(row.extensions or {}),
        "data": row.data,
    }
    return {name: value for name, value in event.items() if value is not None}
