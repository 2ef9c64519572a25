"""The table of customers: Shopping's copy of users, in its own PostgreSQL, with how far it has read beside it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeAlias

import asyncpg

from tether.consumer import Json, latest

SCHEMA = """
create table if not exists copies (
    name text primary key,
    position json not null
);
create table if not exists customer_editions (
    edition bigint,
    id text collate "C",
    name text,
    email text,
    primary key (edition, id)
);
create or replace view customers as
select g.id, g.name, g.email from customer_editions g, copies c
where c.name = 'customers' and g.edition = (c.position ->> 'edition')::bigint;
"""
FIELDS = ("name", "email")

Database: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

_BEGIN = "insert into copies (name, position) values ('customers', '{}') on conflict do nothing"
_LOAD = "select position::text from copies where name = 'customers' for update"
_STORE = """
insert into copies (name, position) values ('customers', $1::text::json)
on conflict (name) do update set position = excluded.position
"""
_WRITE = """
insert into customer_editions (edition, id, name, email)
select $1, * from unnest($2::text[], $3::text[], $4::text[])
on conflict (edition, id) do update set name = excluded.name, email = excluded.email
"""
_DELETE = "delete from customer_editions where edition = $1 and id = any($2::text[])"
_KEEP = "delete from customer_editions where edition <> $1"
_FIND = """
select c.position ->> 'offset' as as_of, u.id is not null as known, u.name, u.email
from copies c left join customers u on u.id = $1 where c.name = 'customers'
"""
_ROWS = "select id, name, email from customers order by id"


class CustomerAsOf(NamedTuple):
    """A customer in the copy. ``as_of``: the offset up to which the copy has read; ``fields``: None: no such user."""

    as_of: str
    fields: Json | None


class Customers:
    """A `tether.consumer.Copy`, and what Shopping reads of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self) -> None:
        """Creates the tables and the view, unless they are there."""
        async with self._database.acquire() as conn:
            await conn.execute(SCHEMA)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """See `tether.consumer.Copy`."""
        async with self._database.acquire() as conn, conn.transaction():
            yield conn

    async def load(self, tx: Any) -> str | None:
        """See `tether.consumer.Copy`."""
        await tx.execute(_BEGIN)  # so that there is a row to lock, also where two processes begin at once
        found: str | None = await tx.fetchval(_LOAD)
        return found

    async def store(self, tx: Any, position: str) -> None:
        """See `tether.consumer.Copy`."""
        await tx.execute(_STORE, position)

    async def apply(self, tx: Any, edition: int, items: Sequence[Json]) -> None:
        """See `tether.consumer.Copy`."""
        live: dict[str, Json] = {}
        gone: list[str] = []
        for key, item in latest(items).items():
            if item["type"] == "EntityChanged":
                live[key] = item["data"]["data"]
            else:
                gone.append(key)
        await tx.execute(_DELETE, edition, gone)
        columns = [[data.get(field) for data in live.values()] for field in FIELDS]
        await tx.execute(_WRITE, edition, list(live), *columns)

    async def keep(self, tx: Any, edition: int) -> None:
        """See `tether.consumer.Copy`."""
        await tx.execute(_KEEP, edition)

    async def find(self, key: str) -> CustomerAsOf | None:
        """One customer with the offset that the copy is as of, in one statement; None: there is no copy yet."""
        async with self._database.acquire() as conn:
            row = await conn.fetchrow(_FIND, key)
        if row is None or row["as_of"] is None:
            return None
        return CustomerAsOf(row["as_of"], {f: row[f] for f in FIELDS} if row["known"] else None)

    async def snapshot(self) -> tuple[Json, list[list[Any]]]:
        """The position, and all rows as ``[id, {field: value}]`` in the order of ids, as of the same moment."""
        async with self._database.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            position = await conn.fetchval("select position::text from copies where name = 'customers'")
            rows = await conn.fetch(_ROWS)
        return json.loads(position or "{}"), [[r["id"], {f: r[f] for f in FIELDS}] for r in rows]
