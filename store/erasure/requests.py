"""Requests to erase an entity. Each is a row: what is still to do, and in the end the certificate of what was done."""

from datetime import datetime
from hashlib import blake2b
from typing import Literal, NamedTuple

import orjson

from catalog.catalog import Catalog
from errors import KeyReused, Unknown
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_rows, fetch_value

ErasureState = Literal["requested", "erased", "done"]
"""``erased``: no read finds the data any more; the owner and the files are still to follow. ``done``: all is done."""
OwnerState = Literal["none", "pending", "accepted", "missing", "refused"]
"""Of the request to the owner. ``none``: no command is declared; ``missing``: it knows no such entity."""


class ErasureRow(NamedTuple):
    """A request to erase an entity. ``position``: of its fact in the ledger; ``rows``: table → rows emptied;
    ``rewritten``: tables whose files were written again."""

    tenant: str
    id: str
    kind: str
    key: str
    state: ErasureState
    reason: str
    actor: str
    requested_at: datetime
    position: int | None
    revision: int | None
    erased_at: datetime | None
    rows: dict[str, int]
    owner: str | None
    command: str | None
    owner_state: OwnerState
    owner_error: str
    owner_at: datetime | None
    rewrite: bool
    vacuumed_at: datetime | None
    ended_at: datetime | None
    rewritten: list[str]


class _Requested(NamedTuple):
    id: str
    request_digest: bytes


async def request(
    pool: Pool,
    catalog: Catalog,
    tenant: str,
    kind: str,
    key: str,
    *,
    reason: str,
    rewrite: bool = False,
    actor: str,
    idempotency_key: str | None,
) -> ErasureRow:
    """Requests the erasure of an entity, under its own key: not of others that it is merged with.

    ``rewrite``: whether the files of the tables are written again, while which nothing else can use them.
    Without an Idempotency-Key, one for the same entity that was not begun yet stands for the request. Raises Unknown
    for a kind that is not declared, or an entity of which nothing is known, and KeyReused.
    """
    owner, command = catalog.owner_of(kind), catalog.contracts.erasing.get(kind)
    digest = blake2b(orjson.dumps((kind, key, reason, rewrite))).digest()
    async with transaction(pool) as conn:
        await execute(conn, "lock_erasures", tenant=tenant, kind=kind, key=key)
        if idempotency_key is not None:
            known = await fetch_row(
                conn, _Requested, "erasure_by_key", tenant=tenant, actor=actor, idempotency_key=idempotency_key
            )
            if known is not None and known.request_digest != digest:
                raise KeyReused("this Idempotency-Key was used for another request; make a new one")
            if known is not None:
                return await find(conn, tenant, known.id)
        if not await fetch_value(conn, "is_known", tenant=tenant, kind=kind, key=key):
            raise Unknown(
                f"nothing is known of {kind} {key!r}: check the key; each key of a merged entity is erased on its own"
            )
        id = None
        if idempotency_key is None:
            id = await fetch_value(conn, "erasure_to_begin", tenant=tenant, kind=kind, key=key, rewrite=rewrite)
        if id is None:
            id = await fetch_value(
                conn,
                "add_erasure",
                tenant=tenant,
                kind=kind,
                key=key,
                reason=reason,
                rewrite=rewrite,
                actor=actor,
                idempotency_key=idempotency_key,
                digest=digest,
                owner=None if command is None else owner,
                command=None if command is None else command.__name__,
                owner_state="none" if command is None else "pending",
            )
        return await find(conn, tenant, id)


async def find(conn: Connection, tenant: str, id: str) -> ErasureRow:
    """The erasure with this id. Raises Unknown."""
    row = await fetch_row(conn, ErasureRow, "erasure", tenant=tenant, id=id)
    if row is None:
        raise Unknown(f"no erasure {id!r}; `Location` of the answer to the request names it")
    return row


async def of_entity(conn: Connection, tenant: str, kind: str, key: str) -> list[ErasureRow]:
    """The newest erasures of an entity, at most ten."""
    return await fetch_rows(conn, ErasureRow, "erasures_of_entity", tenant=tenant, kind=kind, key=key)


async def count(conn: Connection, tenant: str, id: str, what: str, rows: int) -> None:
    """Adds to the rows of a table that an erasure has emptied, within the transaction that does."""
    if rows:
        await execute(conn, "count_erased", tenant=tenant, id=id, what=what, rows=rows)


async def owner_answered(pool: Pool, tenant: str, id: str, state: OwnerState, error: str = "") -> None:
    """Records what the owner replied to the request to erase. ``error``: its words, if it refused."""
    async with connection(pool) as conn:
        await execute(conn, "owner_answered", tenant=tenant, id=id, state=state, error=error[:1000])


async def end(pool: Pool, tenant: str, id: str) -> None:
    """Records that nothing is left to do."""
    async with connection(pool) as conn:
        await execute(conn, "end_erasure", tenant=tenant, id=id)


class DueErasure(NamedTuple):
    """An erasure whose workflow is to be started."""

    tenant: str
    id: str


async def claim(pool: Pool) -> list[DueErasure]:
    """Claims the erasures whose workflows are to be started, or started again after a while. Raises Unavailable."""
    async with transaction(pool) as conn:
        return await fetch_rows(conn, DueErasure, "claim_erasures")
