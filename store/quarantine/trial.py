"""Tries quarantined events against the catalog in force: which would be accepted now, and why the others would not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from errors import Forbidden, Malformed
from facts.envelope import Entry, Envelope
from facts.ingest import Batch
from facts.validation import Validator
from messages.quarantine_reasons import Cause
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.quarantine.listings import EventFilter, KeptEvent
from store.write.sameness import differences, find_recorded

SCANNED = 5_000
"""Events that are read for one batch, at most."""
ROOM = 8 * 1024 * 1024
"""Bytes of the events of one batch; the one that reaches it is the last."""
SAMPLES = 3
"""Events that a trial names for each reason."""


class TriedEvent(NamedTuple):
    """An event and its entries for the ledger, or why it is refused.

    ``entries``: one, but of a message of another system as many as its mapping gives, perhaps none. ``code``: empty if
    it is not refused.
    """

    event: KeptEvent
    entries: Sequence[Entry] = ()
    code: str = ""
    field: str = ""
    reason: str = ""


@dataclass(slots=True)
class TrialRefusals:
    """Events that would be refused for the same cause. ``samples``: the ids of the first ones."""

    cause: Cause
    events: int = 0
    samples: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Trial:
    """How many events were tried, and would be accepted; are recorded already; give no fact; or would be refused."""

    tried: int = 0
    accepted: int = 0
    duplicates: int = 0
    ignored: int = 0
    refused: list[TrialRefusals] = field(default_factory=list)


def try_event(validator: Validator, event: KeptEvent) -> TriedEvent:
    """Validates an event as if its sender had just sent it."""
    if not event.raw:
        return TriedEvent(event, (), "erased", "", event.reason)
    batch = Batch(validator, _authorize(validator, event.publisher))
    batch.add_json(event.raw)
    if not batch.flawed:
        return TriedEvent(event, batch.entries)
    (flaw,) = batch.flawed
    if isinstance(flaw.error, Forbidden):
        return TriedEvent(event, (), "not_publishable", "source", flaw.reason)
    code = "malformed" if isinstance(flaw.error, Malformed) else flaw.error.code
    return TriedEvent(event, (), code, flaw.error.field, flaw.reason)


def _authorize(validator: Validator, publisher: str | None) -> Callable[[Envelope], None]:
    """Raises Forbidden for facts of owners that the sender may not publish.

    ``publisher``: as of KeptEvent; if it is not known, sources decide.
    """

    def check(envelope: Envelope) -> None:
        if publisher == "":
            return
        owner = validator.owner(envelope.type)
        allowed = owner if publisher is None else publisher
        if owner not in (None, allowed) or (allowed and not validator.is_source_of(allowed, envelope.source)):
            raise Forbidden(f"its sender may not publish {envelope.type} of the source {envelope.source}")

    return check


async def try_sample(
    conn: Connection,
    tenant: str,
    validator: Validator,
    wanted: EventFilter,
    event: int | None,
    up_to: int,
    size: int,
) -> Trial:
    """Tries the first events, in the order of their arrival, that a filter lets pass. ``event`` and ``size``: as of
    `next_events`.

    What would be refused only when it is recorded (a time ahead, an entity that becomes too large) is not noticed.
    """
    found, position = list[KeptEvent](), 0
    while len(found) < size and position < up_to:
        some, position = await next_events(conn, tenant, wanted, event, position, up_to, size - len(found))
        found += some
    return await tried(conn, tenant, [try_event(validator, one) for one in found])


async def tried(conn: Connection, tenant: str, events: Sequence[TriedEvent]) -> Trial:
    """Counts what was tried. Facts that are recorded already are duplicates, or contradict what is recorded."""
    firsts = {(e.source, e.id) for one in events for e in one.entries[:1]}
    recorded = await find_recorded(conn, tenant, firsts) if firsts else {}
    trial, causes = Trial(tried=len(events)), dict[Cause, TrialRefusals]()
    for one in events:
        cause = Cause(one.event.cause.type, one.code, one.field)
        if not one.code:
            known = recorded.get((one.entries[0].source, one.entries[0].id)) if one.entries else None
            different = [] if known is None else differences(known, one.entries[0])
            if not different:
                trial.ignored += not one.entries
                trial.duplicates += known is not None
                trial.accepted += known is None and bool(one.entries)
                continue
            cause = Cause(one.event.cause.type, "conflict", different[0].partition(".")[0])
        refusals = causes.setdefault(cause, TrialRefusals(cause))
        refusals.events += 1
        refusals.samples = [*refusals.samples, one.event.id][:SAMPLES]
    trial.refused = sorted(causes.values(), key=lambda one: (-one.events, one.cause))
    return trial


async def next_events(
    conn: Connection, tenant: str, wanted: EventFilter, event: int | None, position: int, up_to: int, size: int
) -> tuple[list[KeptEvent], int]:
    """Returns the next events after a position that a filter lets pass, in the order of their arrival, and the position
    after them; that is ``up_to`` once there are no more.

    ``event``: only the one with this id, unless None. ``size``: how many, at most; there may be fewer although there
    are more.
    """
    rows = await fetch_rows(
        conn,
        KeptEvent,
        "next_quarantined",
        tenant=tenant,
        **wanted._asdict(),
        event=event,
        after=position,
        up_to=up_to,
        size=size,
        scanned=SCANNED,
        room=ROOM,
    )
    found = [row for row in rows if wanted.matches(row) and event in (None, row.id)]
    return found, rows[-1].id if rows else up_to
