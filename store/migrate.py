"""Brings the database to the state that this version needs: schema, keys, declarations. Safe to run again.

Migrations are ``migrations/NNNN_name.sql``, applied in order, each in a transaction, under an advisory lock,
so that several processes may start at once. One that was applied must not change afterwards.
"""

import asyncio
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from config import Settings
from errors import BadDeclaration
from relationships import catalog as catalogs
from relationships.catalog import Catalog
from store import credentials, declare
from store.pool import Connection, Pool, connection, create_pool

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x7E7E
_LEDGER = """
create schema if not exists tether;
create table if not exists tether.migrations (
    name text primary key, digest text not null, applied_at timestamptz not null default now());
"""


def run(settings: Settings) -> None:
    """Migrates the database of the settings."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 2, name="tether migrate")
    try:
        await migrate(pool, catalog)
        await credentials.provide(pool, catalog, settings)
    finally:
        await pool.close()


async def migrate(pool: Pool, catalog: Catalog) -> list[str]:
    """Applies what is missing and settles new declarations; returns the names of what it applied."""
    applied = []
    async with connection(pool) as conn:
        await conn.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            await conn.execute(_LEDGER)
            rows = await conn.fetch("select name, digest from tether.migrations")
            known = {r["name"]: r["digest"] for r in rows}
            for name, text in _files():
                digest = sha256(text.encode()).hexdigest()
                if name not in known:
                    await _apply(conn, name, text, digest)
                    applied.append(name)
                elif known[name] != digest:
                    raise BadDeclaration(
                        f"store/migrations/{name}",
                        "was changed after it was applied",
                        "Write a new migration instead.",
                    )
            await declare.settle_declarations(conn, catalog)
        finally:
            await conn.execute("select pg_advisory_unlock($1)", _LOCK)
    return applied


async def _apply(conn: Connection, name: str, text: str, digest: str) -> None:
    async with conn.transaction():
        await conn.execute(text)
        await conn.execute("insert into tether.migrations (name, digest) values ($1, $2)", name, digest)


def _files() -> Iterator[tuple[str, str]]:
    for file in sorted(_MIGRATIONS.glob("*.sql")):
        yield file.name, file.read_text()
