"""What became of events of a run: they leave the quarantine, or stay with another reason; and the run says so."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from store.db.pool import Connection
from store.db.sql import execute, fetch_rows
from store.quarantine.listings import KeptEvent
from store.quarantine.runs import EventOutcome, QuarantineRun
from store.write import quarantine


class Left(NamedTuple):
    """An event and what became of it. ``code``, ``field`` and ``reason``: why it was refused again."""

    event: KeptEvent
    outcome: EventOutcome
    code: str = ""
    field: str = ""
    reason: str = ""


class _Joined(NamedTuple):
    id: int
    times: int


async def leave(conn: Connection, run: QuarantineRun, left: Sequence[Left], position: int, *, done: bool) -> None:
    """Takes events out of the quarantine, gives those that are refused their present reason, and notes what became of
    each. ``position``: up to which the run has come; ``done``: whether that is its end."""
    refused = [one for one in left if one.outcome == "refused" and one.event.raw and one.reason != one.event.reason]
    gone = [one.event.id for one in left if one.outcome != "refused"]
    if gone:
        await execute(conn, "take_out_of_quarantine", tenant=run.tenant, ids=gone)
    if refused:
        await _give_reasons(conn, run.tenant, refused)
    if left:
        await execute(
            conn,
            "add_quarantine_run_events",
            tenant=run.tenant,
            run=run.id,
            events=[one.event.id for one in left],
            outcomes=[one.outcome for one in left],
            codes=[one.code for one in left],
            fields=[quarantine.storable(one.field, quarantine.FIELD) or "" for one in left],
            sources=[one.event.source for one in left],
            event_ids=[one.event.event_id for one in left],
            types=[one.event.type for one in left],
        )
    counts = Counter(one.outcome for one in left)
    await execute(
        conn,
        "move_quarantine_run",
        tenant=run.tenant,
        id=run.id,
        position=position,
        accepted=counts["accepted"] + counts["stale"],
        stale=counts["stale"],
        duplicates=counts["duplicate"],
        ignored=counts["ignored"],
        refused=counts["refused"],
        discarded=counts["discarded"],
        done=done,
    )


async def _give_reasons(conn: Connection, tenant: str, refused: Sequence[Left]) -> None:
    """Events that are equal to others now, also in their reason, are joined to the first of them, as repeats of it."""
    digests = [quarantine.digest(one.event.raw, one.reason) for one in refused]
    first: dict[bytes, int] = {}
    times: Counter[int] = Counter()
    for digest, one in zip(digests, refused, strict=True):
        kept = first.setdefault(digest, one.event.id)
        if kept != one.event.id:
            times[kept] += one.event.times
    joined = [one.event.id for digest, one in zip(digests, refused, strict=True) if first[digest] != one.event.id]
    if joined:
        await execute(conn, "take_out_of_quarantine", tenant=tenant, ids=joined)
    kept_ids = list(first.values())
    for row in await fetch_rows(conn, _Joined, "join_quarantined", tenant=tenant, ids=kept_ids, digests=list(first)):
        times[row.id] += row.times
    by_id = {one.event.id: one for one in refused}
    await execute(
        conn,
        "give_quarantined_reasons",
        tenant=tenant,
        ids=kept_ids,
        digests=list(first),
        codes=[by_id[id].code for id in kept_ids],
        fields=[quarantine.storable(by_id[id].field, quarantine.FIELD) or "" for id in kept_ids],
        reasons=[quarantine.storable(by_id[id].reason) or "" for id in kept_ids],
        more=[times[id] for id in kept_ids],
    )
