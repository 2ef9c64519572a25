"""Brings the database to the state that this version needs: schema, keys, order, links of new declarations. Idempotent.

An advisory lock lets several processes start it at once: one works, the others wait.
"""

import asyncio
from typing import NamedTuple

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from store.db import credentials, schema
from store.db.pool import Pool, connection, create_pool
from store.write import backfill
from store.write.diff import EntityKey
from store.write.redeclared import Refolded, fold_redeclared
from store.write.reorder import Reordered, reorder

_LOCK = 0x7E7E
_NAMED = 20
"""Entities that a report names; all are counted."""


class Migrated(NamedTuple):
    """What was done. ``migrations``: the names of those that were applied; ``reordered``: one for each tenant of an
    earlier version; ``refolded``: one for each tenant where another declaration of restarts has an effect."""

    migrations: list[str]
    reordered: list[Reordered]
    refolded: list[Refolded]


def run(settings: Settings) -> list[str]:
    """Migrates the database of the settings; returns sentences about what the operator has to know."""
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> list[str]:
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 2, name="tether migrate")
    try:
        done = await migrate(pool, catalog)
        await credentials.provide(pool, catalog, settings)
    finally:
        await pool.close()
    return [*map(sentence, done.reordered), *map(redeclared_sentence, done.refolded)]


async def migrate(pool: Pool, catalog: Catalog) -> Migrated:
    """Applies the missing migrations, rewrites order keys of earlier versions and of other declarations, and backfills
    new relationships."""
    async with connection(pool) as conn:
        await conn.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            applied = await schema.apply(conn)
            reordered = await reorder(conn, catalog)
            # Before new relationships are linked: these links follow from the entities.
            refolded = await fold_redeclared(conn, catalog)
            await backfill.backfill(conn, catalog)
        finally:
            await conn.execute("select pg_advisory_unlock($1)", _LOCK)
    return Migrated(applied, reordered, refolded)


def sentence(done: Reordered) -> str:
    """What an operator has to know about a tenant whose facts were given new order keys."""
    text = f"tenant {done.tenant}: {done.facts} facts have new order keys; the order of facts was another one for"
    text += f" {done.refolded} entities, of which {len(done.changed)} have changed"
    return text + _named(done.changed)


def redeclared_sentence(done: Refolded) -> str:
    """What an operator has to know about a tenant whose owners declare otherwise what a restart of sequences means."""
    text = f"tenant {done.tenant}: by another on_sequence_restart {done.entities} entities were folded again, of which"
    return f"{text} {len(done.changed)} have changed{_named(done.changed)}"


def _named(changed: list[EntityKey]) -> str:
    if not changed:
        return ""
    names = ", ".join(f"{kind} {key}" for kind, key in sorted(changed)[:_NAMED])
    return f": {names}" + (", …" if len(changed) > _NAMED else "")
