"""Finds what is behind the items of a page of the feed: when and by whom their revisions were written, and which facts
changed the entity that each of them comes from."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.feed_items import CausingFact, FeedItem


class _RevisionWritten(NamedTuple):
    """A row of ``revisions_written``."""

    revision: int
    at: datetime
    actor: str


class _FactBehind(NamedTuple):
    """A row of ``facts_behind``."""

    revision: int
    received: datetime
    kind: str
    key: str
    source: str
    id: str
    type: str
    correlation: str | None
    causation: str | None


async def with_causes(at: Snapshot, items: list[FeedItem]) -> list[FeedItem]:
    """Returns the items with the time and the actor of their revisions, and with the facts behind them."""
    if not items:
        return items
    revisions = sorted({item.revision for item in items})
    rows = await fetch_rows(at.conn, _RevisionWritten, "revisions_written", tenant=at.tenant, revisions=revisions)
    written = {row.revision: row for row in rows}
    facts = await _facts(at, written, {item.cause for item in items if item.cause})
    return [
        item._replace(
            time=written[item.revision].at,
            actor=written[item.revision].actor,
            facts=tuple(facts.get((item.revision, item.cause), ())),
        )
        for item in items
    ]


async def _facts(
    at: Snapshot, written: Mapping[int, _RevisionWritten], causes: set[tuple[str, str]]
) -> dict[tuple[int, tuple[str, str] | None], list[CausingFact]]:
    """Returns the facts about entities, by revision and entity. A fact that arrived when a revision was the newest, and
    changed nothing, has its number too: only those that were received with the revision are behind its items."""
    found: dict[tuple[int, tuple[str, str] | None], list[CausingFact]] = defaultdict(list)
    if causes:
        rows = await fetch_rows(
            at.conn,
            _FactBehind,
            "facts_behind",
            tenant=at.tenant,
            kinds=[kind for kind, _ in causes],
            keys=[key for _, key in causes],
            first=min(written),
            last=max(written),
        )
        for row in rows:
            if row.revision not in written or row.received != written[row.revision].at:
                continue
            fact = CausingFact(row.source, row.id, row.type, row.correlation, row.causation)
            found[row.revision, (row.kind, row.key)].append(fact)
    return found
