"""What an owner is asked under one Idempotency-Key stays the same request, though entities change between attempts.

An owner that has seen the key takes another body for a mistake (422), and it would be right: what it did then, or is
about to do, was for the first.
"""

from collections.abc import Mapping

import orjson
from pydantic import ValidationError

from contracts.vocabulary import Command
from store.pool import Pool, connection
from store.sql import sql


async def first(pool: Pool, tenant: str, key: str, command: Command) -> Command:
    """The command as it was when it was first asked under this key: now, if it never was."""
    return (await first_of_each(pool, tenant, {key: command}))[key]


async def first_of_each(pool: Pool, tenant: str, commands: Mapping[str, Command]) -> dict[str, Command]:
    """The same for many, by their keys."""
    keys = sorted(commands)
    fields = [orjson.dumps(commands[key].model_dump(mode="json")).decode() for key in keys]
    async with connection(pool) as conn:
        rows = await conn.fetch(sql("first_wordings"), tenant, keys, fields)
    said = {row["idempotency_key"]: row["fields"] for row in rows}
    return {key: _worded(command, said[key]) for key, command in commands.items()}


def _worded(command: Command, fields: dict[str, object]) -> Command:
    """With those fields; as it is, if the command is declared otherwise by now."""
    try:
        return type(command).model_validate(fields)
    except ValidationError:
        return command
