"""The outbox towards Temporal: claimed, dispatched, checked. Several dispatchers may do so at once."""

from collections.abc import Sequence
from typing import Any

from store.db.pool import Pool, connection
from store.db.sql import sql

Row = Any


async def claim(pool: Pool, limit: int) -> Sequence[Row]:
    """Intents to dispatch now, oldest first; nobody else gets them for the next 10 seconds."""
    async with connection(pool) as conn:
        return await conn.fetch(sql("claim_outbox_rows"), limit)


async def dispatched(pool: Pool, rows: Sequence[Row]) -> None:
    """Their workflows were told; the intents stay until those have read them."""
    async with connection(pool) as conn:
        await conn.execute(sql("mark_dispatched"), *_keys(rows), *_facts(rows))


async def release(pool: Pool, rows: Sequence[Row]) -> None:
    """They could not be dispatched; whoever comes next may try."""
    async with connection(pool) as conn:
        await conn.execute(sql("release_outbox_rows"), *_keys(rows), *_facts(rows))


async def claim_waits(pool: Pool, limit: int, open_waits: int) -> Sequence[Row]:
    """Waits whose patience is over and which have no workflow yet; they count as started from now on.

    A tenant with ``open_waits`` of them gets no more, except for what is overdue and has to be told.
    """
    async with connection(pool) as conn:
        return await conn.fetch(sql("claim_waits"), limit, open_waits)


async def unstarted(pool: Pool, rows: Sequence[Row]) -> None:
    """Their workflows could not be started, or run no more: they are to be started again."""
    async with connection(pool) as conn:
        await conn.execute(sql("unstart_waits"), *_keys(rows))
        await conn.execute(sql("undispatch_outbox_rows"), *_keys(rows))


async def to_check(pool: Pool, seconds: float, limit: int) -> Sequence[Row]:
    """Those that were dispatched or started longer ago than ``seconds`` and not looked at since."""
    async with connection(pool) as conn:
        return await conn.fetch(sql("workflows_to_check"), seconds, limit)


async def checked(pool: Pool, rows: Sequence[Row]) -> None:
    """Their workflows run; they need not be looked at again soon."""
    async with connection(pool) as conn:
        await conn.execute(sql("mark_checked"), *_keys(rows))


def _keys(rows: Sequence[Row]) -> tuple[list[str], ...]:
    return tuple([r[column] for r in rows] for column in ("tenant", "workflow", "about", "key"))


def _facts(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    return [r["source"] for r in rows], [r["id"] for r in rows]
