"""Webhooks: where the feed is delivered to for a consumer, by which secrets, and whether it is."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from errors import Unknown
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_value

NOTIFIED = 1_000
"""Webhooks whose workflows are notified in one round, so that one statement never writes without bound."""

WebhookState: TypeAlias = Literal["active", "disabled"]


class WebhookRow(NamedTuple):
    """A row of ``webhook``. ``consented``: its receiver has consented to deliveries, or does not have to;
    ``failing``, ``behind``, ``parked``: numbers of items, counted up to 1,000."""

    consumer: str
    url: str
    batch: int
    consented: bool
    state: WebhookState
    reason: str
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    former_until: datetime | None
    failing: int
    behind: int
    parked: int
    actor: str
    created_at: datetime


async def put(
    pool: Pool,
    tenant: str,
    consumer: str,
    *,
    url: str,
    secret: str,
    keep_secret: bool,
    batch: int,
    consented: bool,
    actor: str,
) -> tuple[WebhookRow, bool]:
    """Sets where a consumer's feed is delivered to; returns the webhook, and whether it is new.

    ``secret``: of a new one; of one that is there only if not ``keep_secret``. ``consented``: no consent is requested.
    Another URL needs its own consent, and delivery to it begins at once. Raises Unknown if there is no such consumer.
    """
    async with transaction(pool) as conn:
        await fetch_value(conn, "lock_webhook", tenant=tenant, consumer=consumer)  # as who deletes the consumer does
        if not await fetch_value(conn, "consumer_is_registered", tenant=tenant, name=consumer):
            raise Unknown(f"there is no consumer {consumer!r}; register it with PUT /v1/consumers/{consumer}")
        created = await fetch_value(
            conn,
            "put_webhook",
            tenant=tenant,
            consumer=consumer,
            url=url,
            secret=secret,
            keep_secret=keep_secret,
            batch=batch,
            consented=consented,
            actor=actor,
        )
        await notify(conn, tenant, consumer)
        return await read(conn, tenant, consumer), bool(created)


async def find(pool: Pool, tenant: str, consumer: str) -> WebhookRow:
    """Returns the webhook of a consumer. Raises Unknown."""
    async with connection(pool) as conn:
        return await read(conn, tenant, consumer)


async def read(conn: Connection, tenant: str, consumer: str) -> WebhookRow:
    """Returns the webhook of a consumer. Raises Unknown."""
    row = await fetch_row(conn, WebhookRow, "webhook", tenant=tenant, consumer=consumer)
    if row is None:
        raise _missing(consumer)
    return row


async def delete(pool: Pool, tenant: str, consumer: str) -> None:
    """Ends the deliveries to a consumer, which stays registered. Raises Unknown."""
    async with connection(pool) as conn:
        if await fetch_value(conn, "delete_webhook", tenant=tenant, consumer=consumer) is None:
            raise _missing(consumer)


async def rotate(pool: Pool, tenant: str, consumer: str, secret: str, grace: timedelta) -> WebhookRow:
    """Replaces the secret. The former one signs as well for the ``grace`` period. Raises Unknown."""
    async with transaction(pool) as conn:
        rotated = await fetch_value(conn, "rotate_secret", tenant=tenant, consumer=consumer, secret=secret, grace=grace)
        if rotated is None:
            raise _missing(consumer)
        return await read(conn, tenant, consumer)


async def enable(pool: Pool, tenant: str, consumer: str) -> WebhookRow:
    """Lets deliveries begin again at once, where they stopped. Raises Unknown."""
    async with transaction(pool) as conn:
        await lock(conn, tenant, consumer)
        await execute(conn, "enable_webhook", tenant=tenant, consumer=consumer)
        await notify(conn, tenant, consumer)
        return await read(conn, tenant, consumer)


async def lock(conn: Connection, tenant: str, consumer: str) -> None:
    """Locks the webhook's row until the transaction ends. Raises Unknown."""
    if await fetch_value(conn, "lock_webhook", tenant=tenant, consumer=consumer) is None:
        raise _missing(consumer)


async def notify(conn: Connection, tenant: str, consumer: str) -> None:
    """Notifies the workflow that delivers to a consumer; the transaction holds the lock of the webhook's row."""
    await execute(conn, "notify_webhook", tenant=tenant, consumer=consumer)


async def notify_all(pool: Pool) -> None:
    """Notifies workflows of webhooks that have something to deliver, or to retry, and were not notified yet."""
    async with connection(pool) as conn:
        await execute(conn, "notify_deliveries", size=NOTIFIED)


def _missing(consumer: str) -> Unknown:
    return Unknown(f"the consumer {consumer!r} has no webhook; set one with PUT /v1/consumers/{consumer}/webhook")
