"""Redrives and discards of quarantined events: planned, requested, listed and cancelled. Each is a row.

A plan is bound to a cut-off, the last event that is in quarantine when it is made, and says how many events it is
about. It is not stored: the caller hands it back.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Literal, NamedTuple

import orjson

from errors import Conflict, KeyReused, Unknown
from messages.quarantine_reasons import Cause
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import OPEN, fetch_row, fetch_rows, fetch_value
from store.quarantine.listings import EventFilter
from store.write import quarantine

Action = Literal["redrive", "discard"]
RunState = Literal["running", "done", "cancelled"]
EventOutcome = Literal["accepted", "stale", "duplicate", "ignored", "refused", "discarded"]
"""What became of an event of a run. ``stale``: accepted, and older than what was known. ``ignored``: a message of
another system that gives no fact, by its mapping."""


class RunPlan(NamedTuple):
    """What a run would process: ``events`` of them, up to the one with the id ``up_to``.

    ``event``: only the one with this id, unless None.
    """

    action: Action
    wanted: EventFilter
    event: int | None
    up_to: int
    events: int

    def text(self) -> str:
        """The plan as JSON, for whom it is handed to."""
        return orjson.dumps([self.action, [*self.wanted], *self[2:]]).decode()

    @classmethod
    def of_text(cls, text: str) -> "RunPlan":
        """The reverse of ``text``."""
        action, wanted, *rest = orjson.loads(text)
        return cls(action, EventFilter(*wanted), *rest)


class QuarantineRun(NamedTuple):
    """A row of ``quarantine_runs``."""

    tenant: str
    id: str
    number: int
    action: Action
    type: str | None
    code: str | None
    field: str | None
    source: str | None
    key: str | None
    event: int | None
    up_to: int
    total: int
    state: RunState
    actor: str
    position: int
    accepted: int
    stale: int
    duplicates: int
    ignored: int
    refused: int
    discarded: int
    requested_at: datetime
    ended_at: datetime | None

    @property
    def wanted(self) -> EventFilter:
        """Which events it is about."""
        return EventFilter(self.type, self.code, self.field, self.source, self.key)


class RunEvent(NamedTuple):
    """What became of one event of a run. ``code`` and ``field``: why it was refused."""

    event: int
    outcome: EventOutcome
    code: str
    field: str
    source: str | None
    event_id: str | None
    type: str | None

    @property
    def cause(self) -> Cause:
        """Why it was refused."""
        return Cause(self.type or "", self.code, self.field)


class DueRun(NamedTuple):
    """A run whose workflow is to be started."""

    tenant: str
    id: str


class _KnownRun(NamedTuple):
    id: str
    request_digest: bytes


async def plan(conn: Connection, tenant: str, action: Action, wanted: EventFilter, event: int | None) -> RunPlan:
    """Counts what a run would process now: by sums, or, for a source or key, by reading all of the quarantine.

    Raises Unknown for an event that is not there.
    """
    up_to = await fetch_value(conn, "newest_quarantined", tenant=tenant) or 0
    if event is not None:
        found = await fetch_value(conn, "count_quarantined_event", tenant=tenant, event=event)
        if not found:
            raise Unknown(f"no event {event} is in quarantine; list the quarantine")
    elif (wanted.source, wanted.actor) == (None, None):
        cause = {"type": wanted.type, "code": wanted.code, "field": wanted.field}
        found = await fetch_value(conn, "count_quarantined_of_causes", tenant=tenant, **cause)
    else:
        found = await fetch_value(conn, "count_quarantined_events", tenant=tenant, up_to=up_to, **wanted._asdict())
    return RunPlan(action, wanted, event, up_to, found)


async def request(
    pool: Pool, tenant: str, planned: RunPlan, *, actor: str, idempotency_key: str | None
) -> QuarantineRun:
    """Requests what was planned; the dispatcher starts it. Raises KeyReused."""
    digest = blake2b(planned.text().encode()).digest()
    async with transaction(pool) as conn:
        await quarantine.lock(conn, tenant)
        if idempotency_key is not None:
            known = await fetch_row(
                conn, _KnownRun, "quarantine_run_by_key", tenant=tenant, actor=actor, idempotency_key=idempotency_key
            )
            if known is not None and known.request_digest != digest:
                raise KeyReused("this Idempotency-Key was used for another request; make a new one")
            if known is not None:
                return await find(conn, tenant, planned.action, known.id)
        id = await fetch_value(
            conn,
            "add_quarantine_run",
            tenant=tenant,
            action=planned.action,
            **planned.wanted._asdict() | {"key": planned.wanted.actor, "actor": actor},
            event=planned.event,
            up_to=planned.up_to,
            total=planned.events,
            idempotency_key=idempotency_key,
            digest=digest,
        )
        return await find(conn, tenant, planned.action, id)


async def find(conn: Connection, tenant: str, action: Action, id: str) -> QuarantineRun:
    """One run. Raises Unknown."""
    row = await fetch_row(conn, QuarantineRun, "quarantine_run", tenant=tenant, id=id)
    if row is None or row.action != action:
        raise Unknown(f"no {action} {id!r} of quarantined events; list them")
    return row


async def page(
    conn: Connection, tenant: str, action: Action, before: int | None, limit: int
) -> tuple[list[QuarantineRun], int | None]:
    """Returns up to ``limit`` runs, newest first, and the number before which the next page begins; None: there is
    none.

    A page may hold fewer although there are more.
    """
    rows = await fetch_rows(
        conn,
        QuarantineRun,
        "quarantine_runs_page",
        tenant=tenant,
        before=OPEN if before is None else before,
        size=limit + 1,
    )
    more = len(rows) > limit
    rows = rows[:limit]
    return [row for row in rows if row.action == action], rows[-1].number if more else None


async def events_page(
    conn: Connection, tenant: str, id: str, outcome: EventOutcome | None, after: int | None, limit: int
) -> tuple[list[RunEvent], int | None]:
    """Returns up to ``limit`` events of a run in the order in which they were processed, and the id after which the
    next page begins; None: there is none. With ``outcome`` a page may hold fewer although there are more."""
    rows = await fetch_rows(
        conn, RunEvent, "quarantine_run_events_page", tenant=tenant, run=id, after=after or 0, size=limit + 1
    )
    more = len(rows) > limit
    rows = rows[:limit]
    return [row for row in rows if outcome in (None, row.outcome)], rows[-1].event if more else None


async def cancel(pool: Pool, tenant: str, action: Action, id: str) -> QuarantineRun:
    """Lets a run process no further events. Raises Unknown, Conflict if it is done."""
    async with transaction(pool) as conn:
        await fetch_value(conn, "cancel_quarantine_run", tenant=tenant, id=id, action=action)
        row = await find(conn, tenant, action, id)
    if row.state == "done":
        raise Conflict(f"the {action} {id} is done; what it has processed stays so")
    return row


async def claim(pool: Pool) -> list[DueRun]:
    """Claims the runs whose workflows are to be started, or started again after a while: of each tenant one.

    Raises Unavailable.
    """
    async with connection(pool) as conn:
        return await fetch_rows(conn, DueRun, "claim_quarantine_runs")
