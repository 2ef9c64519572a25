"""Records submissions of facts: each is answered after the COMMIT of the transaction that holds it.

Group commit: while one transaction is being written, further submissions wait, and share the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from catalog.catalog import Catalog
from config import QuarantineLimits
from errors import Unavailable
from facts.envelope import Entry
from facts.ingest import Rejection
from store.db.pool import Connection, Pool, transaction
from store.write import quarantine
from store.write.arrivals import TIME_TOLERANCE
from store.write.quarantine import Sender
from store.write.recording import Recorded, WrittenGroup, rejection_of, write_group
from store.write.strict import POISON, StrictFlaw, cause_of, find_flaw, reason_of

GROUP = 1_000
"""Facts of one transaction, after which no further submission joins it."""
QUEUE = 20_000
"""Facts of waiting submissions, after which further ones are rejected: better a 503 at once than a late answer."""


@dataclass(slots=True)
class _Submission:
    entries: Sequence[Entry]
    rejected: Sequence[Rejection]
    sender: Sender
    strict: bool
    answer: asyncio.Future[Recorded]

    def part(self, entries: Sequence[Entry], rejected: Sequence[Rejection]) -> _Submission:
        """A part of the submission, to be recorded on its own."""
        return _Submission(entries, rejected, self.sender, self.strict, self.answer)

    def fail(self, error: Exception) -> None:
        """Answers with an error, unless there is an answer, or the caller was cancelled."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Recorder:
    """Records the facts of one process. Each tenant with waiting submissions has one writer task."""

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        tolerance: timedelta = TIME_TOLERANCE,
        kept: QuarantineLimits | None = None,
    ) -> None:
        """``tolerance``: how far in the future the time of a fact may be where it decides the order; ``kept``: what the
        quarantine keeps of each sender."""
        self._pool = pool
        self._kept = kept or QuarantineLimits()
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
        publisher: str = "",
        strict: bool = False,
    ) -> Recorded:
        """Records one submission, and returns once it is on disk.

        ``entries``: validated facts; ``rejected``: facts for the quarantine; ``actor``: who sent them; ``publisher``:
        the owner whose facts that is allowed to publish, empty: those of any; ``strict``: record all or nothing. Raises
        StrictRefusal or StrictFlaw if an entry of a strict submission would be quarantined, and Unavailable if the
        database is, or too many facts are waiting: the facts may be on disk then, and the same submission can be sent
        again without a second effect.
        """
        if self._waiting >= QUEUE:
            raise Unavailable(f"{self._waiting} facts are already waiting to be written", retry_after=1.0)
        size = len(entries) + len(rejected)
        self._waiting += size
        try:
            return await self._queued(tenant, entries, rejected, Sender(actor, publisher), strict)
        finally:
            self._waiting -= size

    async def _queued(
        self, tenant: str, entries: Sequence[Entry], rejected: Sequence[Rejection], sender: Sender, strict: bool
    ) -> Recorded:
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(tenant, deque())
        queue.append(_Submission(entries, rejected, sender, strict, answer))
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
            rejected = [*rejected, rejection_of(entries[0], reason, *cause_of(error))]
            (answer,) = await self._transaction(tenant, [submission.part((), rejected)])
            answer.refused[0] = reason
            if len(rejected) - 1 in answer.rejected_not_kept:
                answer.rejected_not_kept.remove(len(rejected) - 1)
                answer.not_kept.add(0)
        return answer

    async def _transaction(self, tenant: str, group: list[_Submission]) -> list[Recorded]:
        facts = [(submission.entries, submission.strict) for submission in group]
        actors = ", ".join(sorted({s.sender.name for s in group if s.entries}))
        async with transaction(self._pool) as conn:
            written = await write_group(conn, self._catalog, tenant, facts, actors, self._tolerance)
            if written.refusals or any(submission.rejected for submission in group):
                await self._quarantine(conn, tenant, group, written)
        return written.answers

    async def _quarantine(self, conn: Connection, tenant: str, group: list[_Submission], written: WrittenGroup) -> None:
        """Keeps what was rejected before or refused now, and adds to the answers what is not kept."""
        rejected: list[tuple[Rejection, Sender]] = []
        missed: list[tuple[set[int], int]] = []
        """Of each rejected event: where its answer says that it is not kept, and its place there."""
        for submission, answer in zip(group, written.answers, strict=True):
            rejected += [(rejection, submission.sender) for rejection in submission.rejected]
            missed += [(answer.rejected_not_kept, place) for place in range(len(submission.rejected))]
        for number, place, rejection in written.refusals:
            rejected.append((rejection, group[number].sender))
            missed.append((written.answers[number].not_kept, place))
        for place in await quarantine.keep(conn, tenant, rejected, self._kept):
            places, number = missed[place]
            places.add(number)


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
        first.not_kept | {middle + place for place in second.not_kept},
        first.rejected_not_kept,
    )
