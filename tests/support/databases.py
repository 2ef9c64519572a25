"""Databases for tests: a test gets one that is migrated and empty, for itself, and the next test gets it cleaned.

To delete a few rows takes a millisecond, to copy a database some hundreds. A database goes back only if nothing but
rows has changed, and under another name, so that nothing that a test left running can reach it again.
"""

from dataclasses import dataclass, field
from typing import Any

import asyncpg

# The catalogs change with every table, column, index, function and trigger, and with ANALYZE. The number of their rows
# and the newest transaction that wrote one show it.
_SCHEMA = """
select count(*), max(xmin::text::bigint) from pg_attribute
union all select count(*), max(xmin::text::bigint) from pg_class
union all select count(*), max(xmin::text::bigint) from pg_constraint
union all select count(*), max(xmin::text::bigint) from pg_index
union all select count(*), max(xmin::text::bigint) from pg_namespace
union all select count(*), max(xmin::text::bigint) from pg_proc
union all select count(*), max(xmin::text::bigint) from pg_statistic
union all select count(*), max(xmin::text::bigint) from pg_trigger
union all select count(*), max(xmin::text::bigint) from pg_type
"""
_MIGRATED = "select name from tether.migrations order by name"
_TABLES = """
select relname::text as name, pg_relation_size(oid) as size from pg_class
where relnamespace = 'tether'::regnamespace and relkind = 'r' and relname <> 'migrations' order by relname
"""
_DECLARED = ("declared_meanings", "definitions", "newest_epoch", "restarting_kinds")
"""The tables whose rows migrations have written, such as by which declarations it was done: their rows stay."""
_END_OTHERS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
_LARGEST = 1_000_000
"""Bytes of a table up to which its database is used again: deleted rows still take room, and time to skip."""


@dataclass
class Databases:
    """Copies of the migrated database ``original`` on one server. ``server``: its URL, without a database."""

    server: str
    original: str
    _free: list[str] = field(default_factory=list)
    _named: int = 0
    _schema: list[Any] = field(default_factory=list)
    _migrated: list[Any] = field(default_factory=list)
    _declared: dict[str, str] = field(default_factory=dict)

    async def take(self) -> str:
        """Returns the name of an empty database that no other test has, under a name that was not used before."""
        self._named += 1
        name = f"test_{self._named}"
        if self._free:
            await self._administer(f"alter database {self._free.pop()} rename to {name}")
        else:
            await self._administer(f"create database {name} template {self.original}")
        return name

    async def give_back(self, name: str) -> None:
        """Ends all sessions in a database, and deletes its rows; or the database, if more than rows has changed."""
        if await self._clean(name):
            self._free.append(name)
        else:
            await self._administer(f"drop database {name} with (force)")

    async def _clean(self, name: str) -> bool:
        if not self._schema:
            await self._read_original()
        conn = await asyncpg.connect(f"{self.server}/{name}")
        try:
            await conn.execute(_END_OTHERS)
            if await conn.fetch(_SCHEMA) != self._schema or await conn.fetch(_MIGRATED) != self._migrated:
                return False
            tables = await conn.fetch(_TABLES)
            if any(table["size"] > _LARGEST for table in tables):
                return False
            async with conn.transaction():
                await conn.execute(";".join(f"delete from tether.{table['name']}" for table in tables))  # noqa: S608
                for table, rows in self._declared.items():
                    row = f"null::tether.{table}"
                    restore = f"insert into tether.{table} select * from json_populate_recordset({row}, $1::json)"  # noqa: S608
                    await conn.execute(restore, rows)
                if await conn.fetchval("select is_called from tether.quarantine_id_seq"):
                    await conn.execute("select setval('tether.quarantine_id_seq', 1, false)")
        finally:
            await conn.close()
        return True

    async def _read_original(self) -> None:
        conn = await asyncpg.connect(f"{self.server}/{self.original}")
        try:
            self._schema = await conn.fetch(_SCHEMA)
            self._migrated = await conn.fetch(_MIGRATED)
            for table in _DECLARED:
                rows = await conn.fetchval(f"select json_agg(t)::text from tether.{table} t")  # noqa: S608
                self._declared[table] = rows or "[]"
        finally:
            await conn.close()

    async def _administer(self, statement: str) -> None:
        conn = await asyncpg.connect(f"{self.server}/postgres")
        try:
            await conn.execute(statement)
        finally:
            await conn.close()
