"""Writes a group of submissions in one transaction: settles their facts, and finds the answer to each.

Used by the recorder, which shares transactions among callers, and by redrives of the quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from facts.envelope import Entry, rfc_3339
from facts.ingest import Rejection
from store.db.pool import Connection
from store.write.arrivals import FactKey
from store.write.sameness import RecordedFact, differences, find_recorded, find_voided
from store.write.settle import Settled, settle
from store.write.strict import StrictFlaw, StrictRefusal
from store.write.tenant_lock import lock

CONFLICT = "another body was recorded under this source and id; the first one stays"


@dataclass(slots=True)
class Recorded:
    """The answer to one submission. ``refused``: position of each entry that was quarantined → the reason.

    ``conflicts``: the positions of those whose source and id are recorded with another body. ``stale``: how many of the
    accepted ones are older than what was known. ``warnings``: position of an accepted one → what is odd about it.
    ``not_kept``: positions of refused entries that the quarantine did not keep, as it holds its limit of their sender;
    ``rejected_not_kept``: the same of the events that were rejected before.
    """

    revision: int
    accepted: int = 0
    duplicates: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    conflicts: set[int] = field(default_factory=set)
    stale: int = 0
    warnings: dict[int, str] = field(default_factory=dict)
    not_kept: set[int] = field(default_factory=set)
    rejected_not_kept: set[int] = field(default_factory=set)


class RefusedEntry(NamedTuple):
    """An entry that was not recorded. ``submission``: its position in the group; ``place``: in the submission."""

    submission: int
    place: int
    rejection: Rejection


class WrittenGroup(NamedTuple):
    """``answers``: to each submission. ``refusals``: entries for the quarantine. ``new`` and ``stale``: the facts
    that were recorded for the first time, and those of them that are older than what was known."""

    answers: list[Recorded]
    refusals: list[RefusedEntry]
    new: set[FactKey]
    stale: set[FactKey]


async def write_group(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    group: Sequence[tuple[Sequence[Entry], bool]],
    actor: str,
    tolerance: timedelta,
) -> WrittenGroup:
    """Records the facts of a group, within the caller's transaction.

    ``group``: of each submission its validated facts, and whether it is strict. ``tolerance``: see `settle`. Raises
    StrictRefusal or StrictFlaw if an entry of a strict submission is not recorded, an error of POISON if one cannot be.
    """
    unique: dict[FactKey, Entry] = {}
    for entries, _ in group:
        for entry in entries:
            unique.setdefault((entry.source, entry.id), entry)
    if unique:
        settled = await settle(conn, catalog, tenant, list(unique.values()), actor, tolerance=tolerance)
    else:
        settled = Settled((await lock(conn, tenant)).revision)
    differing = _differing(group, settled)
    recorded = await find_recorded(conn, tenant, differing) if differing else {}
    voided = await find_voided(conn, tenant, settled.known) if settled.known and settled.voids else {}
    answers, refusals = _answers(group, unique, settled, recorded, voided)
    return WrittenGroup(answers, refusals, settled.new, settled.arrivals.stale)


def _differing(group: Sequence[tuple[Sequence[Entry], bool]], settled: Settled) -> set[FactKey]:
    """The facts of which another digest is recorded."""
    if not settled.known:
        return set()
    facts = ((e.source, e.id, e.digest) for entries, _ in group for e in entries if e.part == 1)
    return {(source, id) for source, id, digest in facts if settled.known.get((source, id), digest) != digest}


def _answers(
    group: Sequence[tuple[Sequence[Entry], bool]],
    unique: dict[FactKey, Entry],
    settled: Settled,
    recorded: dict[FactKey, RecordedFact],
    voided: dict[FactKey, str],
) -> tuple[list[Recorded], list[RefusedEntry]]:
    """Returns the answers to the submissions, and what was refused.

    ``unique``: the first entry of each source and id; ``recorded``: of which another digest is in the ledger;
    ``voided``: the known ones that are void → what is to be said about that.
    """
    taken, arrivals = set(settled.new), settled.arrivals
    answers: list[Recorded] = []
    refusals: list[RefusedEntry] = []
    for number, (entries, strict) in enumerate(group):
        answer = Recorded(settled.revision)
        for place, entry in enumerate(entries):
            at = (entry.source, entry.id)
            if at in taken and unique[at] is entry:
                taken.discard(at)
                answer.accepted += 1
                answer.stale += at in arrivals.stale
                if at in arrivals.warnings:
                    answer.warnings[place] = arrivals.warnings[at]
            elif at in settled.refused:
                answer.refused[place] = settled.refused[at]
                refusals.append(
                    RefusedEntry(number, place, rejection_of(entry, settled.refused[at], "time_ahead", "time"))
                )
            elif (
                entry.part == 1
                and settled.known.get(at, unique[at].digest) != entry.digest
                and (different := differences(recorded.get(at, unique[at]), entry))
            ):
                reason = f"{CONFLICT}. This one differs in {', '.join(different)}"
                answer.refused[place] = reason
                answer.conflicts.add(place)
                field = different[0].partition(".")[0]
                refusals.append(RefusedEntry(number, place, rejection_of(entry, reason, "conflict", field)))
            else:
                answer.duplicates += 1
                if at in voided:
                    answer.warnings[place] = voided[at]
        if strict and answer.refused:  # rolls back the group: its other submissions are then tried alone
            raise (StrictRefusal if min(answer.refused) in answer.conflicts else StrictFlaw)(answer.refused)
        answers.append(answer)
    return answers, refusals


def rejection_of(entry: Entry, reason: str, code: str, field: str) -> Rejection:
    """A validated fact for the quarantine: as an event that is validated to the same fact again."""
    event: dict[str, Any] = {} if entry.extensions is None else orjson.loads(entry.extensions)
    event |= {
        "specversion": "1.0",
        "id": entry.id,
        "source": entry.source,
        "type": entry.type,
        "subject": entry.key,
        "sequence": entry.sequence,
        "correlationid": entry.correlation,
        "causationid": entry.causation,
        "traceparent": entry.traceparent,
        "data": orjson.Fragment(entry.body),
    }
    if entry.published is not None:
        event |= orjson.loads(entry.published)
    with suppress(OverflowError):  # the time may be the value that cannot be stored
        event["time"] = None if entry.time is None else rfc_3339(entry.time)
    event = {name: value for name, value in event.items() if value is not None}
    return Rejection(entry.source, entry.id, entry.type, reason, orjson.dumps(event), code, field)
