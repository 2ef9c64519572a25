"""Reads the fields that the records of a merged entity have together."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows
from store.read.combined_fields import CombinedFields, Contribution, combine
from store.write.last_lives import last_lives


class _Record(NamedTuple):
    """A row of ``records_at``."""

    key: str
    state: str
    data: dict[str, Any]
    latest: bytes
    older: dict[str, str] | None
    from_revision: int


async def combined(at: Snapshot, catalog: Catalog, kind: str, members: Sequence[str]) -> tuple[CombinedFields, int]:
    """The fields of a merged entity at the snapshot's revision, and the revision of the last change of its records.

    ``members``: the keys of its records, the survivor's first. A loser that its owner has deleted contributes what it
    had in its last life.
    """
    where = {"tenant": at.tenant, "kind": kind, "revision": at.revision}
    rows = {row.key: row for row in await fetch_rows(at.conn, _Record, "records_at", keys=list(members), **where)}
    retired = [(kind, key) for key, row in rows.items() if row.state == "deleted" and key != members[0]]
    former = await last_lives(at.conn, catalog, at.tenant, retired, revision=at.revision)
    contributions = [_contribution(rows[key]) for key in members if key in rows and rows[key].state == "live"]
    for (_, key), life in former.items():
        contributions.append(Contribution(key, life.data, {n: life.older.get(n, life.latest) for n in life.data}))
    places = {key: n for n, key in enumerate(members)}
    contributions.sort(key=lambda contribution: places[contribution.key])
    changed = max((row.from_revision for row in rows.values()), default=0)
    if not contributions or contributions[0].key != members[0]:  # the survivor is not live: its state decides
        return CombinedFields({}, {}), changed
    return combine(catalog.contracts.merging[kind], contributions), changed


def _contribution(row: _Record) -> Contribution:
    older = row.older or {}
    return Contribution(row.key, row.data, {n: bytes.fromhex(older[n]) if n in older else row.latest for n in row.data})
