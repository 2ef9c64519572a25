"""The deliveries to one consumer: what is to be sent next, and what became of what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

from catalog.catalog import Catalog
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_value
from store.deliveries import facts, webhooks
from store.read.feed_offsets import FeedPosition, encode
from store.write import outbox

PAUSES = [timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18_000, 36_000, 36_000)]
"""Pauses between attempts. After one more failure than there are pauses, an item is parked."""
ATTEMPTS = len(PAUSES) + 1
GIVE_UP = timedelta(days=5)
"""A receiver that fails at different items for so long is given up: its deliveries are disabled."""
MOST = 10_000
"""Undelivered items of one consumer. With more, its deliveries are disabled."""
RING = 50
"""Attempts of a consumer that are kept."""

ItemState: TypeAlias = Literal["failing", "behind", "parked", "resend"]
AttemptOutcome: TypeAlias = Literal["delivered", "failed", "dropped", "consented", "refused"]


class Look(NamedTuple):
    """A row of ``delivery_look``. ``due``: the next retry of an item; ``item`` and the columns after it: of the item
    whose turn it is, null if none is due."""

    url: str
    secrets: list[str]
    batch: int
    consented: bool
    state: webhooks.WebhookState
    reason: str
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    filter: dict[str, Any]
    position: str
    generation: int
    position_revision: int
    head: int | None
    now: datetime
    due: datetime | None
    item: str | None
    read_after: str | None
    subject: str | None
    item_state: ItemState | None
    item_failures: int | None


class ReceiverAttempt(NamedTuple):
    """One request to a receiver. ``first`` and ``last``: ids of its items; ``status``: None if no answer came."""

    first: str
    last: str
    items: int
    outcome: AttemptOutcome
    status: int | None
    words: str
    milliseconds: int


class Undelivered(NamedTuple):
    """An item that was not accepted (``failing``), or that follows such an item of its subject (``behind``)."""

    item: str
    read_after: str
    subject: str
    state: ItemState
    status: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class PageProgress:
    """What became of a page. ``position``: how far it was processed; ``accepted``: the receiver took something;
    ``suspected``: why it is suspected, with no success since; empty: it is not."""

    position: FeedPosition
    accepted: bool
    suspected: str = ""
    undelivered: Sequence[Undelivered] = ()
    attempts: Sequence[ReceiverAttempt] = ()


class Failure(NamedTuple):
    """The receiver failed at everything. ``several``: at different items; ``retry_after``: seconds that it wants."""

    reason: str
    several: bool
    retry_after: float = 0.0
    attempts: Sequence[ReceiverAttempt] = ()


class _Failed(NamedTuple):
    failures: int
    given_up: bool | None


class Next(NamedTuple):
    """A row of ``next_delivery``."""

    next: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Runs:
    """The deliveries to one consumer of a tenant."""

    pool: Pool
    catalog: Catalog
    tenant: str
    consumer: str

    async def look(self) -> Look | None:
        """Returns what is to be delivered now; None if the consumer has no webhook any more."""
        async with connection(self.pool) as conn:
            return await fetch_row(conn, Look, "delivery_look", tenant=self.tenant, consumer=self.consumer)

    async def held(self, subjects: Sequence[str]) -> set[str]:
        """Returns those of these subjects of which an earlier item is not delivered."""
        async with connection(self.pool) as conn:
            found = await fetch_value(
                conn, "held_subjects", tenant=self.tenant, consumer=self.consumer, subjects=list(subjects)
            )
        return set(found or ())

    async def advance(self, look: Look, progress: PageProgress) -> bool:
        """Moves the position; False, and nothing is stored, if the consumer was set to another one meanwhile."""
        async with transaction(self.pool) as conn:
            await webhooks.lock(conn, self.tenant, self.consumer)
            moved = await fetch_value(
                conn,
                "advance_delivery",
                tenant=self.tenant,
                consumer=self.consumer,
                generation=look.generation,
                revision=progress.position.revision,
                position=encode(self.tenant, progress.position),
            )
            if moved is None:
                return False
            await self._receiver(conn, look, progress.accepted, progress.suspected)
            if progress.undelivered:
                await self._add(conn, look, progress.undelivered)
            await self._note(conn, progress.attempts)
        return True

    async def _receiver(self, conn: Connection, look: Look, accepted: bool, suspected: str) -> None:
        if accepted and (look.failing_since is not None or look.failures or not look.consented or look.reason):
            await execute(conn, "receiver_answers", tenant=self.tenant, consumer=self.consumer, url=look.url)
        if suspected:
            at = {"tenant": self.tenant, "consumer": self.consumer, "url": look.url}
            await execute(conn, "receiver_is_suspected", **at, reason=suspected)

    async def _add(self, conn: Connection, look: Look, undelivered: Sequence[Undelivered]) -> None:
        items, after, subjects, states, statuses, words = (list(c) for c in zip(*undelivered, strict=True))
        await execute(
            conn,
            "add_undelivered",
            tenant=self.tenant,
            consumer=self.consumer,
            items=items,
            after=after,
            subjects=subjects,
            states=states,
            statuses=statuses,
            words=words,
            pause=PAUSES[0],
        )
        await execute(
            conn, "let_first_items_be_tried", tenant=self.tenant, consumer=self.consumer, subjects=list(set(subjects))
        )
        count = await fetch_value(conn, "count_undelivered", tenant=self.tenant, consumer=self.consumer, most=MOST + 1)
        if count > MOST:
            await self._disable(
                conn, look, f"more than {MOST} items are undelivered; redrive or discard those that are parked"
            )

    async def consented(self, look: Look, attempt: ReceiverAttempt) -> None:
        """Records that the receiver has consented to deliveries; of another URL by now, nothing is known."""
        async with transaction(self.pool) as conn:
            await execute(conn, "receiver_answers", tenant=self.tenant, consumer=self.consumer, url=look.url)
            await self._note(conn, [attempt])

    async def failed(self, look: Look, failure: Failure) -> int:
        """Records that the receiver failed at everything; returns how often in a row. One that does so for days, with
        different items, is given up."""
        async with transaction(self.pool) as conn:
            row = await fetch_row(
                conn,
                _Failed,
                "receiver_failed",
                tenant=self.tenant,
                consumer=self.consumer,
                url=look.url,
                reason=failure.reason,
                several=failure.several,
                pauses=PAUSES,
                retry_after=timedelta(seconds=failure.retry_after),
                give_up=GIVE_UP,
            )
            await self._note(conn, failure.attempts)
            if row is not None and row.given_up:
                await self._disable(conn, look, f"it has failed for {GIVE_UP.days} days", failure.reason)
        return 0 if row is None else row.failures

    async def disable(self, look: Look, reason: str, words: str = "", attempts: Sequence[ReceiverAttempt] = ()) -> None:
        """Ends the deliveries until they are enabled, and publishes DeliveryDisabled. ``words``: of the receiver."""
        async with transaction(self.pool) as conn:
            await self._note(conn, attempts)
            await self._disable(conn, look, reason, words)

    async def item_failed(self, item: str, attempt: ReceiverAttempt, retry_after: float) -> None:
        """Records that an item failed again. Parks it, and publishes DeliveryParked, if that was the last attempt."""
        async with transaction(self.pool) as conn:
            await webhooks.lock(conn, self.tenant, self.consumer)  # before the tenant, as all do who take both locks
            failures = await fetch_value(
                conn,
                "item_failed",
                tenant=self.tenant,
                consumer=self.consumer,
                item=item,
                status=attempt.status,
                words=attempt.words,
                pauses=PAUSES,
                retry_after=timedelta(seconds=retry_after),
            )
            await self._note(conn, [attempt])
            if failures is not None and failures >= ATTEMPTS:
                await execute(conn, "park_item", tenant=self.tenant, consumer=self.consumer, item=item)
                await facts.parked(conn, self.catalog, self.tenant, self.consumer, item, failures, attempt.status)

    async def removed(self, look: Look, item: str, attempt: ReceiverAttempt, *, kept: bool = True) -> None:
        """Records that an undelivered item was accepted, or dropped as the receiver wants. Not ``kept``: the feed does
        not have it any more, so it is dropped, and DeliveryDropped published."""
        async with transaction(self.pool) as conn:
            await webhooks.lock(conn, self.tenant, self.consumer)
            await execute(conn, "remove_undelivered", tenant=self.tenant, consumer=self.consumer, items=[item])
            await self._receiver(conn, look, kept, "")
            await self._note(conn, [attempt])
            if not kept:
                await facts.dropped(conn, self.catalog, self.tenant, self.consumer, item)

    async def rest(self) -> Next:
        """Returns when there is something to deliver or to retry. If there is nothing, the outbox rows are deleted."""
        async with transaction(self.pool) as conn:
            await fetch_value(conn, "lock_webhook", tenant=self.tenant, consumer=self.consumer)
            found = await fetch_row(conn, Next, "next_delivery", tenant=self.tenant, consumer=self.consumer)
            assert found is not None
            if found.next is None:
                await outbox.forget(conn, self.tenant, "delivery", "webhook", self.consumer)
        return found

    async def _disable(self, conn: Connection, look: Look, reason: str, words: str = "") -> None:
        """Unless the URL is another one by now. The fact says the reason without the words of the receiver, which may
        repeat what was sent to it."""
        shown = f"{reason}: {words}" if words else reason
        at = {"tenant": self.tenant, "consumer": self.consumer, "url": look.url}
        disabled = await fetch_value(conn, "disable_webhook", **at, reason=shown)
        if disabled is not None:
            await facts.disabled(conn, self.catalog, self.tenant, self.consumer, reason)

    async def _note(self, conn: Connection, attempts: Sequence[ReceiverAttempt]) -> None:
        if not attempts:
            return
        firsts, lasts, items, outcomes, statuses, words, milliseconds = (
            list(c) for c in zip(*attempts[-RING:], strict=True)
        )
        await execute(
            conn,
            "add_attempts",
            tenant=self.tenant,
            consumer=self.consumer,
            size=RING,
            first_items=firsts,
            last_items=lasts,
            items=items,
            outcomes=outcomes,
            statuses=statuses,
            words=words,
            milliseconds=milliseconds,
        )
