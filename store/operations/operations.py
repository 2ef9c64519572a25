"""Operations: work that somebody started. Each is a row, and an intent for the workflow that carries it out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import uuid4

from errors import Conflict, KeyReused, Unknown
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import sql
from store.write.settle import lock

Row = Any

OPEN = ("waiting", "requested", "running")
"""States that are no end."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that is to begin. ``workflow``, ``about``, ``key``: the workflow that carries it out.

    ``wait``: how long it waits for what it needs; None: for as long as it takes.
    """

    kind: str
    workflow: str
    about: str
    key: str
    wait: timedelta | None = None
    relationship: str | None = None
    parent: str | None = None
    child: str | None = None
    plan: str | None = None
    id: str | None = None
    state: str = "waiting"
    incarnation: str | None = None
    requested_after: bytes | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """Within a transaction that holds the tenant's head. ``earlier``: what this idempotency key stands for."""

    conn: Connection
    tenant: str
    actor: str
    revision: int
    idempotency_key: str | None
    request: bytes
    earlier: Row | None

    async def __call__(self, wanted: Wanted) -> Row:
        """Records it, and tells its workflow."""
        row = await record(self.conn, self.tenant, wanted, self.actor)
        await tell(self.conn, self.tenant, self.revision, row, f"{wanted.kind.title()}Requested")
        return await self.joins(row)

    async def joins(self, row: Row) -> Row:
        """The request is for what this operation does: its idempotency key stands for it from now on."""
        if self.idempotency_key is not None:
            place = self.tenant, self.actor, self.idempotency_key
            await self.conn.execute(sql("keep_idempotency_key"), *place, self.request, row["id"])
        return row


@asynccontextmanager
async def begun(
    pool: Pool, tenant: str, actor: str, idempotency_key: str | None, request: tuple[object, ...]
) -> AsyncIterator[Begin]:
    """A transaction in which an operation may begin. Raises KeyReused if that key was used for another one."""
    digest = blake2b(repr(request).encode("utf-8", "surrogatepass")).digest()
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        earlier = None
        if idempotency_key is not None:
            kept = await conn.fetchrow(sql("idempotency_key"), tenant, actor, idempotency_key)
            if kept is not None and kept["digest"] != digest:
                raise KeyReused("this Idempotency-Key was used for another request; make a new one")
            if kept is not None:
                earlier = await conn.fetchrow(sql("operation"), tenant, kept["operation"])
        yield Begin(conn, tenant, actor, revision, idempotency_key, digest, earlier)


async def record(conn: Connection, tenant: str, wanted: Wanted, actor: str) -> Row:
    """The row of an operation that begins now. Within a transaction that holds the tenant's head."""
    now = datetime.now(UTC)
    return await conn.fetchrow(
        sql("start_operation"),
        tenant,
        wanted.id or uuid4().hex,
        wanted.kind,
        wanted.workflow,
        wanted.about,
        wanted.key,
        wanted.relationship,
        wanted.parent,
        wanted.child,
        wanted.plan,
        wanted.state,
        wanted.incarnation,
        actor,
        now,
        None if wanted.wait is None else now + wanted.wait,
        wanted.requested_after,
        wanted.cause,
    )


async def tell(conn: Connection, tenant: str, revision: int, row: Row, fact: str) -> None:
    """Tells the workflow of an operation to look."""
    now = datetime.now(UTC)
    await conn.execute(
        sql("tell_operation"), tenant, revision, now, row["workflow"], row["about"], row["key"], row["id"], fact
    )


async def find(pool: Pool, tenant: str, id: str) -> Row:
    """Raises Unknown."""
    async with connection(pool) as conn:
        row = await conn.fetchrow(sql("operation"), tenant, id)
    if row is None:
        raise Unknown(f"no operation {id!r}")
    return row


async def page(
    pool: Pool,
    tenant: str,
    kind: str | None,
    state: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
    cause: str | None = None,
) -> Sequence[Row]:
    """Operations, the newest first, from beyond a place. ``state``: ``open`` stands for all that are no end;
    ``cause``: the operation that they came of."""
    async with connection(pool) as conn:
        moment, id = before or (datetime(9999, 1, 1, tzinfo=UTC), "")
        states = None if state is None else list(OPEN) if state == "open" else [state]
        wanted = tenant, kind, states, moment, id, limit
        if cause is not None:
            return await conn.fetch(sql("operations_of_cause"), *wanted, cause)
        return await conn.fetch(sql("operations_page"), *wanted)


async def cancel(pool: Pool, tenant: str, id: str) -> Row:
    """Wishes an operation to stop; its workflow sees to that. Raises Unknown, Conflict if it has ended."""
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        row = await conn.fetchrow(sql("operation"), tenant, id)
        if row is None:
            raise Unknown(f"no operation {id!r}")
        if row["state"] == "cancelled":
            return row
        if row["state"] not in OPEN:
            raise Conflict(f"operation {id} has ended already: it is {row['state']}")
        wished: Row = await conn.fetchrow(sql("wish_to_stop"), tenant, id)
        await tell(conn, tenant, revision, {**wished, "id": f"{id}/cancel"}, "CancellationRequested")
    return wished


async def redrive(pool: Pool, tenant: str, id: str) -> Row:
    """Has the children that were refused asked for anew. Raises Unknown, Conflict if there are none."""
    async with transaction(pool) as conn:
        revision, _ = await lock(conn, tenant)
        row: Row = await conn.fetchrow(sql("operation"), tenant, id)
        if row is None:
            raise Unknown(f"no operation {id!r}")
        if row["state"] not in ("running", "incomplete"):
            raise Conflict(f"operation {id} is {row['state']}: nothing of it can be redriven")
        if not await conn.fetchval(sql("redrive_children"), tenant, id):
            raise Conflict(f"no child of operation {id} is parked")
        row = await conn.fetchrow(sql("resume_operation"), tenant, id)
        await tell(conn, tenant, revision, {**row, "id": f"{id}/redrive/{uuid4().hex}"}, "RedriveRequested")
    return row


async def end(
    conn: Connection, tenant: str, row: Row, state: str, reason: str = "", revision: int | None = None
) -> None:
    """An operation has come to its end, for this ``reason``; ``revision``: the one that it made."""
    await conn.execute(sql("end_operation"), tenant, row["id"], state, reason, revision)


async def note(pool: Pool, tenant: str, id: str, reason: str, *, about: str = "", states: Sequence[str] = OPEN) -> None:
    """Why an operation in one of these states is stuck, for people, beginning with ``about``; an empty reason: for that
    it is not any more."""
    text = f"{about}{reason}"[:1000] if reason else ""
    async with connection(pool) as conn:
        await conn.execute(sql("note_operation"), tenant, id, text, about, list(states))
