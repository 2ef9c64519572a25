"""What operators do with deliveries: redrive, discard, resend, replay; and what they look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from errors import Conflict, Unknown
from store.consumers import registrations
from store.db.pool import Pool, connection, transaction
from store.db.sql import execute, fetch_rows, fetch_value
from store.deliveries import webhooks
from store.deliveries.runs import AttemptOutcome, ItemState
from store.read.feed_items import FIRST_KEYS
from store.read.feed_offsets import FeedPosition, decode, encode
from store.write.tenant_lock import lock


class UndeliveredRow(NamedTuple):
    """A row of ``undelivered_page``. ``due``: the next attempt, None for those that wait for another item or an
    operator; ``status`` and ``words``: of the receiver's last answer to it."""

    item: str
    subject: str
    state: ItemState
    failures: int
    due: datetime | None
    failed_at: datetime | None
    status: int | None
    words: str


class AttemptRow(NamedTuple):
    """A row of ``last_attempts``. ``first_item``, ``last_item``: the items of the request, of which there are
    ``items``."""

    number: int
    at: datetime
    first_item: str
    last_item: str
    items: int
    outcome: AttemptOutcome
    status: int | None
    words: str
    milliseconds: int


async def page(pool: Pool, tenant: str, consumer: str, after: str, limit: int) -> list[UndeliveredRow]:
    """Returns items that are not delivered, in the order of the feed. Raises Unknown."""
    async with connection(pool) as conn:
        await webhooks.read(conn, tenant, consumer)
        return await fetch_rows(
            conn, UndeliveredRow, "undelivered_page", tenant=tenant, consumer=consumer, after=after, size=limit
        )


async def attempts(pool: Pool, tenant: str, consumer: str) -> list[AttemptRow]:
    """Returns the last requests to the receiver, the newest first. Raises Unknown."""
    async with connection(pool) as conn:
        await webhooks.read(conn, tenant, consumer)
        return await fetch_rows(conn, AttemptRow, "last_attempts", tenant=tenant, consumer=consumer)


async def redrive(pool: Pool, tenant: str, consumer: str, items: Sequence[str] | None) -> int:
    """Lets parked and failing items be tried at once; None: all of them. Returns how many. Raises Unknown."""
    return await _change(pool, "redrive_items", tenant, consumer, items)


async def discard(pool: Pool, tenant: str, consumer: str, items: Sequence[str] | None) -> int:
    """Drops parked and failing items for good; None: all parked ones. Those behind follow. Returns how many."""
    return await _change(pool, "discard_items", tenant, consumer, items)


async def resend(pool: Pool, tenant: str, consumer: str, item: str) -> None:
    """Lets one item be delivered once more, whatever became of it. Raises Unknown, BadToken, Conflict."""
    position = decode(tenant, item)
    if not position.keys[0] and not position.prefix:
        raise Conflict("a token names no item; resend takes the id of an item of the feed")
    async with transaction(pool) as conn:
        await webhooks.lock(conn, tenant, consumer)
        added = await fetch_value(
            conn,
            "add_resend",
            tenant=tenant,
            consumer=consumer,
            item=item,
            read_after=encode(tenant, FeedPosition(position.revision, position.phase, FIRST_KEYS)),
        )
        if added is None:
            raise Conflict("the item is not delivered yet; redrive it if it is parked")
        await webhooks.notify(conn, tenant, consumer)


async def replay(pool: Pool, tenant: str, consumer: str, holder: str, offset: str | None) -> None:
    """Sets a consumer back to an offset, and forgets its undelivered items after it, which are delivered again.

    At once: an item that fails in between would be forgotten for good. Raises Unknown; BadToken, Expired, NotYet.
    """
    async with transaction(pool) as conn:
        await webhooks.lock(conn, tenant, consumer)
        await lock(conn, tenant)
        begun = await registrations.begin_locked(conn, tenant, consumer, holder, offset)
        await execute(conn, "forget_undelivered_after", tenant=tenant, consumer=consumer, position=begun.position)
        await webhooks.notify(conn, tenant, consumer)


async def revision_at(pool: Pool, tenant: str, at: datetime) -> int:
    """Returns the last revision that was written before a time; 0 if there is none."""
    async with connection(pool) as conn:
        low, high = 0, int(await fetch_value(conn, "revision", tenant=tenant))
        while low < high:  # the times of revisions are in their order, and no index of them is kept
            middle = (low + high + 1) // 2
            before = await fetch_value(conn, "revision_is_before", tenant=tenant, revision=middle, at=at)
            low, high = (middle, high) if before else (low, middle - 1)
        return low


async def _change(pool: Pool, query: str, tenant: str, consumer: str, items: Sequence[str] | None) -> int:
    async with transaction(pool) as conn:
        await webhooks.lock(conn, tenant, consumer)
        wanted = None if items is None else list(items)
        if query == "redrive_items":
            changed = await fetch_value(conn, "redrive_items", tenant=tenant, consumer=consumer, items=wanted)
        else:
            chosen = await fetch_value(conn, "items_to_discard", tenant=tenant, consumer=consumer, items=wanted)
            await execute(conn, "remove_undelivered", tenant=tenant, consumer=consumer, items=chosen or [])
            changed = len(chosen or [])
        if items is not None and not changed:
            raise Unknown("none of these items is parked or failing; list them with GET …/deliveries")
        await webhooks.notify(conn, tenant, consumer)
    return int(changed or 0)
