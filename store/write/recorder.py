"""Records submissions of facts: each is answered after the COMMIT of the transaction that holds it.

Group commit: while one transaction is being written, further submissions wait, and share the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from catalog.catalog import Catalog
from errors import Unavailable
from facts.envelope import Entry, moment
from facts.ingest import Rejection
from store.db.pool import Pool, transaction
from store.write import quarantine
from store.write.arrivals import TIME_TOLERANCE, FactKey
from store.write.sameness import RecordedFact, differences, find_recorded, find_voided
from store.write.settle import Settled, settle
from store.write.strict import POISON, StrictFlaw, StrictRefusal, find_flaw, reason_of
from store.write.tenant_lock import lock

GROUP = 1_000
"""Facts of one transaction, after which no further submission joins it."""
QUEUE = 20_000
"""Facts of waiting submissions, after which further ones are rejected: better a 503 at once than a late answer."""


@dataclass(slots=True)
class Recorded:
    """The answer to one submission. ``refused``: position of each entry that was quarantined → the reason.

    ``conflicts``: the positions of those whose source and id are recorded with another body. ``stale``: how many of the
    accepted ones are older than what was known. ``warnings``: position of an accepted one → what is odd about it.
    """

    revision: int
    accepted: int = 0
    duplicates: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    conflicts: set[int] = field(default_factory=set)
    stale: int = 0
    warnings: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Submission:
    entries: Sequence[Entry]
    rejected: Sequence[Rejection]
    actor: str
    strict: bool
    answer: asyncio.Future[Recorded]

    def part(self, entries: Sequence[Entry], rejected: Sequence[Rejection]) -> _Submission:
        """A part of the submission, to be recorded on its own."""
        return _Submission(entries, rejected, self.actor, self.strict, self.answer)

    def fail(self, error: Exception) -> None:
        """Answers with an error, unless there is an answer, or the caller was cancelled."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Recorder:
    """Records the facts of one process. Each tenant with waiting submissions has one writer task."""

    def __init__(self, pool: Pool, catalog: Catalog, tolerance: timedelta = TIME_TOLERANCE) -> None:
        """``tolerance``: how far in the future the time of a fact may be where it decides the order."""
        self._pool = pool
        self._tolerance = tolerance
        self._catalog = catalog
        self._queues: dict[str, deque[_Submission]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._waiting = 0

    async def record(
        self,
        tenant: str,
        entries: Sequence[Entry],
        rejected: Sequence[Rejection] = (),
        *,
        actor: str,
        strict: bool = False,
    ) -> Recorded:
        """Records one submission, and returns once it is on disk.

        ``entries``: validated facts; ``rejected``: facts for the quarantine; ``actor``: who sent them; ``strict``:
        record all or nothing. Raises StrictRefusal or StrictFlaw if an entry of a strict submission would be
        quarantined, and Unavailable if the database is, or too many facts are waiting: the facts may be on disk then,
        and the same submission can be sent again without a second effect.
        """
        if self._waiting >= QUEUE:
            raise Unavailable(f"{self._waiting} facts are already waiting to be written", retry_after=1.0)
        size = len(entries) + len(rejected)
        self._waiting += size
        try:
            return await self._queued(tenant, entries, rejected, actor, strict)
        finally:
            self._waiting -= size

    async def _queued(
        self, tenant: str, entries: Sequence[Entry], rejected: Sequence[Rejection], actor: str, strict: bool
    ) -> Recorded:
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(tenant, deque())
        queue.append(_Submission(entries, rejected, actor, strict, answer))
        if tenant not in self._writers:
            self._writers[tenant] = asyncio.create_task(self._write(tenant, queue), name=f"recorder-{tenant}")
        return await answer

    async def close(self) -> None:
        """Waits until all submissions are written."""
        await asyncio.gather(*self._writers.values(), return_exceptions=True)

    async def _write(self, tenant: str, queue: deque[_Submission]) -> None:
        group: list[_Submission] = []
        try:
            while queue:
                group = [queue.popleft()]
                size = len(group[0].entries)
                while queue and size + len(queue[0].entries) <= GROUP:
                    group.append(queue.popleft())
                    size += len(group[-1].entries)
                await self._settle(tenant, group)
        except BaseException:  # cancelled: every caller still gets an answer
            stopped = Unavailable("the recorder was stopped")
            for submission in (*group, *queue):
                submission.fail(stopped)
            queue.clear()
            raise
        finally:
            del self._writers[tenant]

    async def _settle(self, tenant: str, group: list[_Submission]) -> None:
        """Writes a group and answers each submission. If the group fails, each one is tried alone."""
        try:
            if len(group) > 1:
                answers = await self._transaction(tenant, group)
            else:
                answers = [await self._alone(tenant, group[0])]
        except Exception as error:  # whatever the error is, it must reach the callers
            if len(group) > 1 and not isinstance(error, Unavailable):
                for submission in group:
                    await self._settle(tenant, [submission])
                return
            for submission in group:
                submission.fail(error)
            return
        for submission, answer in zip(group, answers, strict=True):
            if not submission.answer.done():
                submission.answer.set_result(answer)

    async def _alone(self, tenant: str, submission: _Submission) -> Recorded:
        """Writes one submission. A fact that cannot be stored is found by bisection and quarantined."""
        entries, rejected = submission.entries, submission.rejected
        try:
            (answer,) = await self._transaction(tenant, [submission])
        except StrictFlaw:
            raise
        except POISON as error:
            if not entries:
                raise
            if submission.strict:
                raise await find_flaw(self._pool, self._catalog, tenant, entries, self._tolerance, error) from None
            if len(entries) > 1:
                middle = len(entries) // 2
                first = await self._alone(tenant, submission.part(entries[:middle], rejected))
                second = await self._alone(tenant, submission.part(entries[middle:], ()))
                return _joined(first, second, middle)
            reason = reason_of(error)
            rejected = [*rejected, _rejected(entries[0], reason)]
            (answer,) = await self._transaction(tenant, [submission.part((), rejected)])
            answer.refused[0] = reason
        return answer

    async def _transaction(self, tenant: str, group: list[_Submission]) -> list[Recorded]:
        unique: dict[tuple[str, str], Entry] = {}
        for submission in group:
            for entry in submission.entries:
                unique.setdefault((entry.source, entry.id), entry)
        async with transaction(self._pool) as conn:
            if unique:
                actors = sorted({s.actor for s in group if s.entries})
                settled = await settle(
                    conn, self._catalog, tenant, list(unique.values()), ", ".join(actors), tolerance=self._tolerance
                )
            else:
                settled = Settled((await lock(conn, tenant)).revision)
            differing = _differing(group, settled)
            recorded = await find_recorded(conn, tenant, differing) if differing else {}
            voided = await find_voided(conn, tenant, settled.known) if settled.known and settled.voids else {}
            answers, rejected = _answers(group, unique, settled, recorded, voided)
            if rejected:
                await quarantine.keep(conn, tenant, rejected)
        return answers


def _joined(first: Recorded, second: Recorded, middle: int) -> Recorded:
    """The answer to a submission that was recorded in two parts; ``middle``: position at which the second begins."""
    refused = first.refused | {middle + place: reason for place, reason in second.refused.items()}
    return Recorded(
        max(first.revision, second.revision),
        first.accepted + second.accepted,
        first.duplicates + second.duplicates,
        refused,
        first.conflicts | {middle + place for place in second.conflicts},
        first.stale + second.stale,
        first.warnings | {middle + place: reason for place, reason in second.warnings.items()},
    )


def _differing(group: list[_Submission], settled: Settled) -> set[FactKey]:
    """The facts of which another digest is recorded."""
    if not settled.known:
        return set()
    facts = ((e.source, e.id, e.digest) for submission in group for e in submission.entries if e.part == 1)
    return {(source, id) for source, id, digest in facts if settled.known.get((source, id), digest) != digest}


def _answers(
    group: list[_Submission],
    unique: dict[FactKey, Entry],
    settled: Settled,
    recorded: dict[FactKey, RecordedFact],
    voided: dict[FactKey, str],
) -> tuple[list[Recorded], list[Rejection]]:
    """Returns the answers to the submissions, and what goes to quarantine.

    ``unique``: the first entry of each source and id; ``recorded``: of which another digest is in the ledger;
    ``voided``: the known ones that are void → what is to be said about that.
    """
    taken, arrivals = set(settled.new), settled.arrivals
    answers = []
    rejected: list[Rejection] = []
    for submission in group:
        answer = Recorded(settled.revision)
        rejected += submission.rejected
        for place, entry in enumerate(submission.entries):
            at = (entry.source, entry.id)
            if at in taken and unique[at] is entry:
                taken.discard(at)
                answer.accepted += 1
                answer.stale += at in arrivals.stale
                if at in arrivals.warnings:
                    answer.warnings[place] = arrivals.warnings[at]
            elif at in settled.refused:
                answer.refused[place] = settled.refused[at]
                rejected.append(_rejected(entry, settled.refused[at]))
            elif (
                entry.part == 1
                and settled.known.get(at, unique[at].digest) != entry.digest
                and (different := differences(recorded.get(at, unique[at]), entry))
            ):
                reason = f"{CONFLICT}. This one differs in {', '.join(different)}"
                answer.refused[place] = reason
                answer.conflicts.add(place)
                rejected.append(_rejected(entry, reason))
            else:
                answer.duplicates += 1
                if at in voided:
                    answer.warnings[place] = voided[at]
        if submission.strict and answer.refused:  # rolls back the group: its other submissions are then tried alone
            raise (StrictRefusal if min(answer.refused) in answer.conflicts else StrictFlaw)(answer.refused)
        answers.append(answer)
    return answers, rejected


CONFLICT = "another body was recorded under this source and id; the first one stays"


def _rejected(entry: Entry, reason: str) -> Rejection:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": entry.id,
        "source": entry.source,
        "type": entry.type,
        "subject": entry.key,
        "sequence": entry.sequence,
        "correlationid": entry.correlation,
        "causationid": entry.causation,
        "data": orjson.Fragment(entry.body),
    }
    if entry.published is not None:
        event |= orjson.loads(entry.published)
    with suppress(OverflowError):  # the time may be the value that cannot be stored
        event["time"] = moment(entry.time)
    event = {name: value for name, value in event.items() if value is not None}
    return Rejection(entry.source, entry.id, entry.type, reason, orjson.dumps(event))
