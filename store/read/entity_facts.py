"""Lists the facts about one entity as the ledger has them, and which of them were stale when they arrived.

A fact is stale if a fact of the same entity with a greater order key had arrived before it, and had not been voided by
then. That follows from positions and order keys alone, so nothing is stored for it. Only facts of owners are compared:
Tether's own ones follow from theirs, or only notify. Nor is activity, which no later fact replaces.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from catalog import limits
from facts.envelope import in_utc
from store.db.snapshot import Snapshot
from store.db.sql import OPEN, fetch_rows


class ListedFact(NamedTuple):
    """A row of ``entity_facts``: a fact about an entity.

    ``time``: None if the fact does not say. ``newer_source``, ``newer_id``: see `older_than`. ``void_reason``: why it
    was voided, if it was and a reason was given. ``size``: bytes of its data.
    """

    source: str
    id: str
    type: str
    sequence: str | None
    time: datetime | None
    received: datetime
    position: int
    revision: int
    correlation: str | None
    data: dict[str, Any]
    emptied: str | None
    published: dict[str, Any] | None
    newer_source: str | None
    newer_id: str | None
    voided: bool
    void_reason: str | None
    size: int

    @property
    def older_than(self) -> tuple[str, str] | None:
        """(source, id) of the newest fact that was known when it arrived; None: it is not stale."""
        return None if self.newer_source is None or self.newer_id is None else (self.newer_source, self.newer_id)


async def page(
    at: Snapshot,
    kind: str,
    key: str,
    before: int | None,
    limit: int,
    *,
    stale: bool = False,
    activity: Collection[str] = (),
) -> tuple[list[ListedFact], bool]:
    """Returns up to ``limit`` facts about an entity, the last arrival first, and whether there may be more.

    ``before``: only facts that arrived before this position; None: from the newest one. ``stale``: only stale facts;
    ``activity``: types that are never stale, those of single elements of lists too. A page whose data reaches the
    limit for pages, in bytes, ends with the fact that does.
    """
    rows = await fetch_rows(
        at.conn,
        ListedFact,
        "entity_facts",
        tenant=at.tenant,
        kind=kind,
        key=key,
        activity=list(activity),
        before=OPEN if before is None else before,
        stale=stale,
        size=limit + 1,
        room=limits.PAGE,
    )
    more = len(rows) > limit or sum(row.size for row in rows) >= limits.PAGE
    return [row._replace(time=in_utc(row.time)) for row in rows[:limit]], more
