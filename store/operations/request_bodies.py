"""What an owner is asked under one Idempotency-Key stays the same request, though entities change between attempts.

An owner that has seen the key takes another body for a mistake (422), and it would be right: what it did then, or is
about to do, was for the first.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from catalog.vocabulary import Command
from errors import Unsent
from store.db.pool import Pool, connection
from store.db.sql import sql


class Wording(NamedTuple):
    """What is to be asked. ``new``: it never was."""

    command: Command
    new: bool


@asynccontextmanager
async def first(pool: Pool, tenant: str, key: str, command: Command, *, varies: bool = True) -> AsyncIterator[Command]:
    """The command as it was when it was first asked under this key: now, if it never was, nor is within the block.

    ``varies``: whether it might be another one at the next attempt.
    """
    if not varies:
        yield command
        return
    wording = (await first_of_each(pool, tenant, {key: command}))[key]
    try:
        yield wording.command
    except Unsent:
        if wording.new:
            await forget(pool, tenant, [key])
        raise


async def first_of_each(pool: Pool, tenant: str, commands: Mapping[str, Command]) -> dict[str, Wording]:
    """The same for many, by their keys."""
    keys = sorted(commands)
    fields = [orjson.dumps(commands[key].model_dump(mode="json")).decode() for key in keys]
    async with connection(pool) as conn:
        rows = await conn.fetch(sql("first_wordings"), tenant, keys, fields)
    said = {row["idempotency_key"]: row for row in rows}
    return {key: Wording(_worded(c, said[key]["fields"]), said[key]["new"]) for key, c in commands.items()}


async def forget(pool: Pool, tenant: str, keys: Sequence[str]) -> None:
    """Of what nobody was asked, another wording may be the first."""
    async with connection(pool) as conn:
        await conn.execute(sql("forget_wordings"), tenant, keys)


def _worded(command: Command, fields: dict[str, object]) -> Command:
    """With those fields; as it is, if the command is declared otherwise by now."""
    try:
        return type(command).model_validate(fields)
    except ValidationError:
        return command
