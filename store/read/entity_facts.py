"""Lists the facts about one entity as the ledger has them, and which of them were stale when they arrived.

A fact is stale if a fact of the same entity with a greater order key had arrived before it, and had not been voided by
then. That follows from positions and order keys alone, so nothing is stored for it. Only facts of owners are compared:
Tether's own ones follow from theirs, or only notify.
"""

from datetime import datetime
from typing import Any, NamedTuple

from catalog import limits
from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from facts.envelope import in_utc
from store.db.snapshot import Snapshot
from store.db.sql import OPEN, fetch_rows
from store.write.ledger import effect_of


class ListedFact(NamedTuple):
    """A fact about an entity. ``effect``: None for a fact of Tether's own, or of a type that is not declared any more.

    ``time``: None if the fact does not say. ``older_than``: (source, id) of the newest fact that was known when it
    arrived, if it is stale, else None. ``void_reason``: why it was voided, if it was and a reason was given.
    """

    source: str
    id: str
    type: str
    effect: Effect | None
    sequence: str | None
    time: datetime | None
    received: datetime
    position: int
    revision: int
    correlation: str | None
    data: dict[str, Any]
    older_than: tuple[str, str] | None
    voided: bool
    void_reason: str | None


class _EntityFact(NamedTuple):
    """A row of ``entity_facts``. ``newer_source``, ``newer_id``: the fact that it is older than, if it is stale."""

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
    newer_source: str | None
    newer_id: str | None
    voided: bool
    void_reason: str | None
    size: int


async def page(
    at: Snapshot, catalog: Catalog, kind: str, key: str, before: int | None, limit: int, *, stale: bool = False
) -> tuple[list[ListedFact], bool]:
    """Returns up to ``limit`` facts about an entity, the last arrival first, and whether there may be more.

    ``before``: only facts that arrived before this position; None: from the newest one. ``stale``: only stale facts. A
    page whose data reaches the limit for pages, in bytes, ends with the fact that does.
    """
    rows = await fetch_rows(
        at.conn,
        _EntityFact,
        "entity_facts",
        tenant=at.tenant,
        kind=kind,
        key=key,
        before=OPEN if before is None else before,
        stale=stale,
        size=limit + 1,
        room=limits.PAGE,
    )
    more = len(rows) > limit or sum(row.size for row in rows) >= limits.PAGE
    return [_listed(catalog, row) for row in rows[:limit]], more


def _listed(catalog: Catalog, row: _EntityFact) -> ListedFact:
    newer = None if row.newer_source is None or row.newer_id is None else (row.newer_source, row.newer_id)
    return ListedFact(
        source=row.source,
        id=row.id,
        type=row.type,
        effect=effect_of(catalog, row.source, row.type),
        sequence=row.sequence,
        time=in_utc(row.time),
        received=row.received,
        position=row.position,
        revision=row.revision,
        correlation=row.correlation,
        data=row.data,
        older_than=newer,
        voided=row.voided,
        void_reason=row.void_reason,
    )
