"""Registers consumers, changes what is said of them, lists and deletes them, and begins their generations.

A generation is one holder's hold of a consumer: acknowledgements name it, and those of another one are refused. Its
number is a tenant's next one and never recurs, not after a restore either, so that a process which held a consumer that
has been deleted and registered again holds nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from errors import Unknown
from facts.revisions import NUMBER_BITS
from store.consumers import offsets
from store.consumers.offsets import BEGINNING
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_rows, fetch_value
from store.write.tenant_lock import lock

ConsumerState: TypeAlias = Literal["current", "behind", "at-risk", "expired"]
"""``current``: nothing after its position. ``at-risk``: what it has to read next is older than its threshold.
``expired``: what it has to read next is not there any more, or was lost in a restore."""


class ConsumerRow(NamedTuple):
    """A row of ``consumer_status``. ``lag_revisions``: None across a restore."""

    tenant: str
    name: str
    filter: dict[str, Any]
    starts_at: str
    position_revision: int
    position: str
    generation: int
    holder: str
    generation_at: datetime
    at_risk_seconds: int
    note: str
    actor: str
    created_at: datetime
    acknowledged_at: datetime | None
    lag_revisions: int | None
    lag_seconds: float
    state: ConsumerState


@dataclass(frozen=True, slots=True)
class Registration:
    """What is said of a consumer. ``filter``: query parameters of the feed, a JSON object. ``offset``: where it starts:
    ``-1``, ``now``, or one of the feed; None: where it is, and if it is new, at the beginning."""

    filter: dict[str, Any]
    offset: str | None
    at_risk_seconds: int
    note: str


class Registered(NamedTuple):
    """A consumer, and whether it is new."""

    consumer: ConsumerRow
    created: bool


async def register(pool: Pool, tenant: str, name: str, wanted: Registration, actor: str) -> Registered:
    """Registers a consumer, or changes it. Repeating the request has no effect.

    An offset that differs from that of the registration before begins a new generation there. Another filter begins a
    new generation as well: who reads by the former one must notice. Raises BadToken, Expired, NotYet for an offset.
    """
    async with _locked(pool, tenant, name) as conn:
        known = await fetch_row(conn, ConsumerRow, "consumer", tenant=tenant, name=name)
        if known is None:
            await _add(conn, tenant, name, wanted, actor)
            return Registered(await read(conn, tenant, name), True)
        await execute(
            conn,
            "describe_consumer",
            tenant=tenant,
            name=name,
            filter=_json(wanted.filter),
            starts_at=wanted.offset or known.starts_at,
            at_risk_seconds=wanted.at_risk_seconds,
            note=wanted.note,
        )
        elsewhere = wanted.offset if wanted.offset != known.starts_at else None
        if elsewhere is not None or wanted.filter != known.filter:
            await _begin(conn, tenant, name, actor, elsewhere)
        return Registered(await read(conn, tenant, name), False)


async def begin_generation(pool: Pool, tenant: str, name: str, holder: str, offset: str | None) -> ConsumerRow:
    """Lets a new holder take a consumer over: at its position, or at another ``offset``, which may be an earlier one.

    Raises Unknown; BadToken, Expired, NotYet for an offset.
    """
    async with _locked(pool, tenant, name) as conn:
        return await begin_locked(conn, tenant, name, holder, offset)


async def begin_locked(conn: Connection, tenant: str, name: str, holder: str, offset: str | None) -> ConsumerRow:
    """As `begin_generation`, in a transaction that holds the tenant's lock."""
    await read(conn, tenant, name)
    await _begin(conn, tenant, name, holder, offset)
    return await read(conn, tenant, name)


async def find(pool: Pool, tenant: str, name: str) -> ConsumerRow:
    """Returns a consumer. Raises Unknown."""
    async with connection(pool) as conn:
        return await read(conn, tenant, name)


async def page(pool: Pool, tenant: str, after: str, limit: int) -> list[ConsumerRow]:
    """Returns up to ``limit`` consumers by name. ``after``: the last name of the page before; empty: none."""
    async with connection(pool) as conn:
        return await fetch_rows(conn, ConsumerRow, "consumers_page", tenant=tenant, after=after, size=limit)


async def delete(pool: Pool, tenant: str, name: str) -> None:
    """Deletes a consumer: what it has not read is kept for it no longer. Raises Unknown."""
    async with _locked(pool, tenant, name) as conn:
        if await fetch_value(conn, "delete_consumer", tenant=tenant, name=name) is None:
            raise missing(name)


def missing(name: str) -> Unknown:
    """The error for a consumer that is not there."""
    return Unknown(f"no consumer {name!r} is registered; register it with PUT /v1/consumers/{name}")


@asynccontextmanager
async def _locked(pool: Pool, tenant: str, name: str) -> AsyncIterator[Connection]:
    """A transaction that alone changes registrations of the tenant. Meanwhile its horizon does not move, either.

    The lock of the consumer's webhook comes first, as in all transactions that take both.
    """
    async with transaction(pool) as conn:
        await fetch_value(conn, "lock_webhook", tenant=tenant, consumer=name)
        await lock(conn, tenant)
        yield conn


async def read(conn: Connection, tenant: str, name: str) -> ConsumerRow:
    """Returns a consumer on a connection. Raises Unknown."""
    found = await fetch_row(conn, ConsumerRow, "consumer", tenant=tenant, name=name)
    if found is None:
        raise missing(name)
    return found


async def _add(conn: Connection, tenant: str, name: str, wanted: Registration, actor: str) -> None:
    requested = wanted.offset or BEGINNING
    start = await offsets.start(conn, tenant, requested)
    await execute(
        conn,
        "add_consumer",
        tenant=tenant,
        name=name,
        filter=_json(wanted.filter),
        starts_at=requested,
        revision=start.revision,
        position=start.text,
        generation=await _next_generation(conn, tenant),
        at_risk_seconds=wanted.at_risk_seconds,
        note=wanted.note,
        actor=actor,
    )


async def _begin(conn: Connection, tenant: str, name: str, holder: str, offset: str | None) -> None:
    generation = await _next_generation(conn, tenant)
    if offset is None:
        await execute(conn, "begin_generation", tenant=tenant, name=name, generation=generation, holder=holder)
        return
    start = await offsets.start(conn, tenant, offset)
    await execute(
        conn,
        "begin_generation_elsewhere",
        tenant=tenant,
        name=name,
        generation=generation,
        holder=holder,
        revision=start.revision,
        position=start.text,
    )


async def _next_generation(conn: Connection, tenant: str) -> int:
    number: int = await fetch_value(conn, "next_generation", tenant=tenant, bits=NUMBER_BITS)
    return number


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
