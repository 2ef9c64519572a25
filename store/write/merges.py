"""Merges by name: a row for each merge that facts say, by which it is listed, read and undone."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from catalog.registry import OWN_SOURCE
from facts.envelope import Entry
from facts.identity import Pair
from facts.merge_ids import merge_id
from store.db.sql import execute
from store.write.context import WriteContext


class _Merge(NamedTuple):
    """One merge of this batch. ``losers``: of all its facts; ``fact``: its first."""

    kind: str
    survivor: str
    losers: list[str]
    reason: str
    fact: Entry


_COLUMNS = "tenant id kind survivor losers reason created_at source fact revision"


async def note(context: WriteContext, merges: Sequence[tuple[Entry, list[Pair]]]) -> None:
    """Adds a row for each merge that new facts say; one that was requested gets the revision of its facts.

    ``merges``: those facts, each with its pairs.
    """
    of_owners: dict[str, _Merge] = {}
    requested: dict[str, _Merge] = {}
    for entry, pairs in merges:
        at = merge_id(entry.source, entry.id, entry.data)
        found = requested if entry.source == OWN_SOURCE else of_owners
        merge = found.setdefault(at, _Merge(entry.kind, pairs[0].other, [], _reason(entry), entry))
        merge.losers.extend(pair.one for pair in pairs)
    if of_owners:
        # A new fact of an owner is a merge of its own, which has no row yet.
        rows = (
            (
                context.tenant,
                id,
                merge.kind,
                merge.survivor,
                sorted(merge.losers, key=str.encode),
                merge.reason,
                context.now,
                merge.fact.source,
                merge.fact.id,
                context.revision,
            )
            for id, merge in of_owners.items()
        )
        await context.conn.copy_records_to_table("merges", schema_name="tether", columns=_COLUMNS.split(), records=rows)
    if requested:
        named = requested.values()
        await execute(
            context.conn,
            "note_merges",
            tenant=context.tenant,
            now=context.now,
            revision=context.revision,
            ids=list(requested),
            kinds=[merge.kind for merge in named],
            survivors=[merge.survivor for merge in named],
            losers=[orjson.dumps(merge.losers).decode() for merge in named],
            reasons=[merge.reason for merge in named],
            sources=[merge.fact.source for merge in named],
            facts=[merge.fact.id for merge in named],
        )


def _reason(entry: Entry) -> str:
    reason = entry.data.get("reason")
    return reason if isinstance(reason, str) else ""
