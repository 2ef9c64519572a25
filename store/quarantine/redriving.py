"""Carries out runs: events leave the quarantine in the order of their arrival, some in each transaction.

Their facts are recorded in the transaction in which they leave, and the position of the run moves in it, too. So each
is processed once, whichever process dies when, and however often a step is repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from catalog.catalog import Catalog
from facts.validation import Validator
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import fetch_row, fetch_rows
from store.quarantine.leaving import Left, leave
from store.quarantine.runs import QuarantineRun
from store.quarantine.trial import TriedEvent, next_events, try_event
from store.write import quarantine, tenant_lock
from store.write.recording import write_group
from store.write.strict import POISON, cause_of, reason_of


class _Present(NamedTuple):
    id: int
    emptied: bool


@dataclass(frozen=True, slots=True)
class RunStep:
    """What one transaction has done: how many events it has processed, and whether the run goes on."""

    events: int
    more: bool


class Redriver:
    """Carries out runs of any tenant. ``tolerance``: how far in the future the time of a fact may be."""

    def __init__(self, pool: Pool, catalog: Catalog, validator: Validator, tolerance: timedelta) -> None:
        self._pool = pool
        self._catalog = catalog
        self._validator = validator
        self._tolerance = tolerance

    async def step(self, tenant: str, id: str, size: int) -> RunStep:
        """Processes the next events of a run, up to ``size``. Raises Unavailable."""
        async with connection(self._pool) as conn:
            run = await fetch_row(conn, QuarantineRun, "quarantine_run", tenant=tenant, id=id)
            if run is None or run.state != "running":
                return RunStep(0, more=False)
            found, position = await next_events(conn, tenant, run.wanted, run.event, run.position, run.up_to, size)
        if run.action == "discard":
            tried = [TriedEvent(event) for event in found]
        else:
            tried = [try_event(self._validator, event) for event in found]
        return await self._write(run, tried, position)

    async def _write(self, run: QuarantineRun, tried: Sequence[TriedEvent], position: int) -> RunStep:
        """Lets events leave, up to ``position``; the first of them, if one cannot be stored."""
        try:
            return await self._transaction(run, tried, position)
        except POISON as error:
            if len(tried) > 1:
                first = tried[: len(tried) // 2]
                return await self._write(run, first, first[-1].event.id)
            refused = TriedEvent(tried[0].event, (), *cause_of(error), reason_of(error))
            return await self._transaction(run, [refused], position)

    async def _transaction(self, run: QuarantineRun, tried: Sequence[TriedEvent], position: int) -> RunStep:
        async with transaction(self._pool) as conn:
            if run.action == "redrive":
                await tenant_lock.lock(conn, run.tenant)
            locked = await fetch_row(conn, QuarantineRun, "lock_quarantine_run", tenant=run.tenant, id=run.id)
            if locked is None or locked.state != "running":
                return RunStep(0, more=False)
            if locked.position != run.position:  # another attempt of this step was faster
                return RunStep(0, more=True)
            await quarantine.lock(conn, run.tenant)
            ids = [one.event.id for one in tried]
            rows = await fetch_rows(conn, _Present, "still_quarantined", tenant=run.tenant, ids=ids) if ids else []
            left = await self._left(conn, run, _present(tried, {row.id: row.emptied for row in rows}))
            done = position >= run.up_to
            await leave(conn, run, left, position, done=done)
        return RunStep(len(left), more=not done)

    async def _left(self, conn: Connection, run: QuarantineRun, tried: Sequence[TriedEvent]) -> list[Left]:
        """Records the facts of events, and says what became of each."""
        if run.action == "discard":
            return [Left(one.event, "discarded") for one in tried]
        entries = [entry for one in tried for entry in one.entries]
        actor = f"{run.actor} (redrive)"
        written = await write_group(conn, self._catalog, run.tenant, [(entries, False)], actor, self._tolerance)
        refused = {entry.place: entry.rejection for entry in written.refusals}
        left, new, place = list[Left](), set(written.new), 0
        for one in tried:
            places = range(place, place + len(one.entries))
            place += len(one.entries)
            why = next((refused[at] for at in places if at in refused), None)
            keys = {(entry.source, entry.id) for entry in one.entries}
            if why is not None:
                left.append(Left(one.event, "refused", why.code, why.field, why.reason))
            elif one.code:
                left.append(Left(one.event, "refused", one.code, one.field, one.reason))
            elif not keys:
                left.append(Left(one.event, "ignored"))
            elif keys & new:
                left.append(Left(one.event, "stale" if keys & written.stale else "accepted"))
            else:
                left.append(Left(one.event, "duplicate"))
            new -= keys
        return left


def _present(tried: Sequence[TriedEvent], emptied: dict[int, bool]) -> list[TriedEvent]:
    """Those events that are still there. What was erased since it was read is not recorded."""
    present = [one for one in tried if one.event.id in emptied]
    return [TriedEvent(one.event._replace(raw=b""), (), "erased") if emptied[one.event.id] else one for one in present]
