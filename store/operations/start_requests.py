"""Requests of callers that start an operation: each safe to repeat under an Idempotency-Key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

import orjson

from errors import KeyReused
from store.db.pool import Connection, Pool, transaction
from store.db.sql import execute, fetch_row
from store.operations.operation_row import OperationRow
from store.operations.operations import NewOperation, insert, notify
from store.write.aliases import survivors_of
from store.write.tenant_lock import lock

DIGEST_VERSION = 2
"""Of digests that are stored now: 1 was made of Python's ``repr`` of the request, 2 is made of its JSON."""


class IdempotencyKeyRow(NamedTuple):
    """What an Idempotency-Key stands for."""

    digest: bytes
    digest_version: int
    operation: str


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A caller's request to start an operation, in a transaction that holds the lock of the tenant's revision.

    ``digest``: of the request. ``earlier``: the operation that the caller's Idempotency-Key stands for already.
    ``merges``: whether any keys of the tenant may be merged.
    """

    conn: Connection
    tenant: str
    actor: str
    revision: int
    idempotency_key: str | None
    digest: bytes
    earlier: OperationRow | None
    merges: bool

    async def survivor(self, kind: str, key: str) -> str:
        """The entity that a key of the request stands for now."""
        found = await survivors_of(self.conn, self.tenant, [(kind, key)]) if self.merges else {}
        return found.get((kind, key), key)

    async def start(self, new: NewOperation) -> OperationRow:
        """Inserts the operation and notifies its workflow."""
        row = await insert(self.conn, self.tenant, new, self.actor)
        await notify(self.conn, self.revision, row, f"{new.kind.title()}Requested")
        return await self.join(row)

    async def join(self, row: OperationRow) -> OperationRow:
        """Lets the Idempotency-Key stand for an operation that does what is requested; returns that operation."""
        if self.idempotency_key is not None:
            await execute(
                self.conn,
                "add_idempotency_key",
                tenant=self.tenant,
                actor=self.actor,
                idempotency_key=self.idempotency_key,
                digest=self.digest,
                digest_version=DIGEST_VERSION,
                operation=row.id,
            )
        return row


@asynccontextmanager
async def start_request(
    pool: Pool, tenant: str, actor: str, idempotency_key: str | None, request: tuple[object, ...]
) -> AsyncIterator[StartRequest]:
    """Opens a transaction in which an operation may be started, and locks the tenant's revision.

    ``request``: everything that makes two requests the same, as values that JSON knows. Raises KeyReused if the key
    stands for another request.
    """
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        earlier = None
        if idempotency_key is not None:
            known = await fetch_row(
                conn, IdempotencyKeyRow, "idempotency_key", tenant=tenant, actor=actor, idempotency_key=idempotency_key
            )
            if known is not None and known.digest != request_digest(request, known.digest_version):
                raise KeyReused("this Idempotency-Key was used for another request; make a new one")
            if known is not None:
                earlier = await fetch_row(conn, OperationRow, "operation", tenant=tenant, id=known.operation)
        digest = request_digest(request)
        yield StartRequest(conn, tenant, actor, locked.revision, idempotency_key, digest, earlier, locked.merges)


def request_digest(request: tuple[object, ...], version: int = DIGEST_VERSION) -> bytes:
    """BLAKE2b, 64 bytes, of a canonical encoding of a request."""
    if version == 1:
        return blake2b(repr(request).encode("utf-8", "surrogatepass")).digest()
    return blake2b(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).digest()
