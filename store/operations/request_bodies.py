"""Keeps the body that a request was first sent with, so that retries under its Idempotency-Key send the same.

Entities change between attempts. An owner that has received the key answers 422 to another body, and rightly: the
effect that it had, or will have, is that of the first body.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from catalog.owner_request import OwnerRequest
from catalog.vocabulary import Command
from errors import Unsent
from store.db.pool import Pool, connection
from store.db.sql import execute, fetch_rows


class FirstBody(NamedTuple):
    """A request with its first body. ``new``: it was stored just now, and no attempt was made before."""

    request: OwnerRequest
    new: bool


class _BodyRow(NamedTuple):
    idempotency_key: str
    fields: dict[str, object]
    new: bool


@asynccontextmanager
async def first(pool: Pool, request: OwnerRequest) -> AsyncIterator[OwnerRequest]:
    """Yields the request with the body that it was first sent with.

    If the block raises Unsent at the first attempt, the body is forgotten: the owner has not seen it.
    """
    if not request.varies:
        yield request
        return
    body = (await first_of_each(pool, request.tenant, [request]))[request.idempotency_key]
    try:
        yield body.request
    except Unsent:
        if body.new:
            await forget(pool, request.tenant, [request.idempotency_key])
        raise


async def first_of_each(pool: Pool, tenant: str, requests: Sequence[OwnerRequest]) -> dict[str, FirstBody]:
    """Stores or fetches the first bodies of many requests of one tenant; Idempotency-Key → first body."""
    by_key = {request.idempotency_key: request for request in requests}
    keys = sorted(by_key)
    fields = [orjson.dumps(by_key[key].command.model_dump(mode="json")).decode() for key in keys]
    causes = [by_key[key].causation for key in keys]
    async with connection(pool) as conn:
        rows = await fetch_rows(
            conn, _BodyRow, "first_request_bodies", tenant=tenant, keys=keys, fields=fields, causes=causes
        )
    first = {}
    for row in rows:
        request = by_key[row.idempotency_key]
        first[row.idempotency_key] = FirstBody(
            replace(request, command=_with_fields(request.command, row.fields)), row.new
        )
    return first


async def forget(pool: Pool, tenant: str, keys: Sequence[str]) -> None:
    """Deletes stored bodies of requests that were never sent."""
    async with connection(pool) as conn:
        await execute(conn, "delete_request_bodies", tenant=tenant, keys=keys)


def _with_fields(command: Command, fields: dict[str, object]) -> Command:
    """The command with stored fields; unchanged if its class was declared otherwise since they were stored."""
    try:
        return type(command).model_validate(fields)
    except ValidationError:
        return command
