"""The one door's last step: facts are settled, and nothing is answered before it is on disk.

Concurrent callers share a transaction (group commit): while one is being written, those who come wait
together for the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

from catalog.catalog import Catalog
from errors import Unavailable
from facts.envelope import Entry, moment
from facts.ingest import Rejection
from store.db.pool import Pool, transaction
from store.write import quarantine
from store.write.settle import Settled, lock, settle

GROUP = 1_000
"""Facts after which no further caller joins a transaction."""
POISON = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, OverflowError)
"""A value that validation let pass and PostgreSQL cannot hold: a text it refuses, a key too long for its index, a
time beyond the calendar."""


QUEUE = 20_000
"""Facts of callers who wait, after which others are sent away: better a 503 at once than an answer too late."""


@dataclass(slots=True)
class Recorded:
    """The answer to one caller. ``refused``: places of entries that were quarantined, each with its reason."""

    revision: int
    accepted: int = 0
    duplicates: int = 0
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Submission:
    entries: Sequence[Entry]
    rejected: Sequence[Rejection]
    actor: str
    answer: asyncio.Future[Recorded]

    def part(self, entries: Sequence[Entry], rejected: Sequence[Rejection]) -> _Submission:
        """A part of it that is recorded by itself."""
        return _Submission(entries, rejected, self.actor, self.answer)

    def fail(self, error: Exception) -> None:
        """Answers with an error, unless it was answered, or nobody waits any more."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Recorder:
    """Records facts for one process; one writer per tenant, for as long as there is something to write."""

    def __init__(self, pool: Pool, catalog: Catalog) -> None:
        self._pool = pool
        self._catalog = catalog
        self._queues: dict[str, deque[_Submission]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._waiting = 0

    async def record(
        self, tenant: str, entries: Sequence[Entry], rejected: Sequence[Rejection] = (), *, actor: str
    ) -> Recorded:
        """Returns once it is on disk. Raises Unavailable: then it may or may not be, and may be sent again."""
        if self._waiting >= QUEUE:
            raise Unavailable(f"{self._waiting} facts wait to be written already", retry_after=1.0)
        size = len(entries) + len(rejected)
        self._waiting += size
        try:
            return await self._queued(tenant, entries, rejected, actor)
        finally:
            self._waiting -= size

    async def _queued(
        self, tenant: str, entries: Sequence[Entry], rejected: Sequence[Rejection], actor: str
    ) -> Recorded:
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        queue = self._queues.setdefault(tenant, deque())
        queue.append(_Submission(entries, rejected, actor, answer))
        if tenant not in self._writers:
            self._writers[tenant] = asyncio.create_task(self._write(tenant, queue), name=f"recorder-{tenant}")
        return await answer

    async def close(self) -> None:
        """Waits for what is being written."""
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
        except BaseException:  # cancelled: nobody may be left waiting for an answer
            stopped = Unavailable("the recorder was stopped")
            for submission in (*group, *queue):
                submission.fail(stopped)
            queue.clear()
            raise
        finally:
            del self._writers[tenant]

    async def _settle(self, tenant: str, group: list[_Submission]) -> None:
        """Answers each of the group, one way or the other. One caller's facts must not harm the others."""
        try:
            if len(group) > 1:
                answers = await self._transaction(tenant, group)
            else:
                answers = [await self._alone(tenant, group[0])]
        except Exception as error:  # whatever it is, those who wait for an answer must hear of it
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
        """One caller's facts. One that cannot be stored is quarantined: it is found by halving, the others go on."""
        entries, rejected = submission.entries, submission.rejected
        try:
            (answer,) = await self._transaction(tenant, [submission])
        except POISON as error:
            if not entries:
                raise
            if len(entries) > 1:
                middle = len(entries) // 2
                first = await self._alone(tenant, submission.part(entries[:middle], rejected))
                second = await self._alone(tenant, submission.part(entries[middle:], ()))
                return _joined(first, second, middle)
            reason = f"cannot be stored: {error}"
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
                settled = await settle(conn, self._catalog, tenant, list(unique.values()), ", ".join(actors))
            else:
                settled = Settled((await lock(conn, tenant))[0], set(), {})
            answers, rejected = _answers(group, unique, settled)
            if rejected:
                await quarantine.keep(conn, tenant, rejected)
        return answers


def _joined(first: Recorded, second: Recorded, middle: int) -> Recorded:
    """The answer to a caller whose facts were taken in two parts; ``middle``: place of the second part."""
    refused = first.refused | {middle + place: reason for place, reason in second.refused.items()}
    return Recorded(
        max(first.revision, second.revision),
        first.accepted + second.accepted,
        first.duplicates + second.duplicates,
        refused,
    )


def _answers(
    group: list[_Submission], unique: dict[tuple[str, str], Entry], settled: Settled
) -> tuple[list[Recorded], list[Rejection]]:
    taken = set(settled.new)
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
            elif settled.known.get(at, unique[at].digest) == entry.digest:
                answer.duplicates += 1
            else:
                answer.refused[place] = CONFLICT
                rejected.append(_rejected(entry, CONFLICT))
        answers.append(answer)
    return answers, rejected


CONFLICT = "another body was recorded under this source and id; the first stands"


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
        "data": entry.data,
    }
    with suppress(OverflowError):  # a time beyond the calendar may be what was wrong with it
        event["time"] = moment(entry.time)
    event = {name: value for name, value in event.items() if value is not None}
    return Rejection(entry.source, entry.id, entry.type, reason, orjson.dumps(event))
