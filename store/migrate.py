"""Brings the database to the state that this version needs: schema, keys, order, links of new declarations. Idempotent.

An advisory lock lets several processes start it at once: one works, the others wait.
"""

import asyncio
from typing import NamedTuple

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from facts.validation import Validator
from store.db import credentials, epochs, schema
from store.db.epochs import Epoch
from store.db.pool import Pool, connection, create_pool
from store.quarantine import report
from store.write import backfill
from store.write.diff import EntityKey
from store.write.redeclared import Refolded, fold_redeclared
from store.write.reorder import Reordered, reorder
from store.write.reread import fold_reread

_LOCK = 0x7E7E
_NAMED = 20
"""Entities that a report names; all are counted."""


class Migrated(NamedTuple):
    """What was done. ``migrations``: the names of those that were applied; ``reordered``: one for each tenant of an
    earlier version; ``refolded``: one for each tenant where another declaration of restarts has an effect, ``reread``:
    where another upcaster has; ``epochs``: one for each tenant if the database was restored."""

    migrations: list[str]
    reordered: list[Reordered]
    refolded: list[Refolded]
    reread: list[Refolded]
    epochs: list[Epoch]


def run(settings: Settings) -> list[str]:
    """Migrates the database of the settings; returns sentences about what the operator has to know."""
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> list[str]:
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 2, name="tether migrate")
    try:
        done = await migrate(pool, catalog)
        await credentials.provide(pool, catalog, settings)
        async with connection(pool) as conn:
            accepted = await report.acceptable(conn, Validator(catalog, settings.limits))
    finally:
        await pool.close()
    return [
        *map(sentence, done.reordered),
        *map(redeclared_sentence, done.refolded),
        *map(reread_sentence, done.reread),
        *map(epoch_sentence, done.epochs),
        *map(report.sentence, accepted),
    ]


async def migrate(pool: Pool, catalog: Catalog) -> Migrated:
    """Applies the missing migrations, rewrites order keys of earlier versions and of other declarations, and backfills
    new relationships."""
    async with connection(pool) as conn:
        await conn.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            applied = await schema.apply(conn)
            begun = await epochs.recognize_restore(conn)
            reordered = await reorder(conn, catalog)
            # Before new relationships are linked: these links follow from the entities.
            refolded = await fold_redeclared(conn, catalog)
            reread = await fold_reread(conn, catalog)
            await backfill.backfill(conn, catalog)
        finally:
            await conn.execute("select pg_advisory_unlock($1)", _LOCK)
    return Migrated(applied, reordered, refolded, reread, begun)


def restore_complete(settings: Settings) -> list[str]:
    """Begins an epoch for every tenant, since the database was restored from a backup; returns a sentence for each."""
    return asyncio.run(_restore_complete(settings))


async def _restore_complete(settings: Settings) -> list[str]:
    pool = await create_pool(settings.database_url, 1, name="tether restore-complete")
    try:
        async with connection(pool) as conn:
            begun = await epochs.begin_everywhere(conn, "an operator said that the database was restored")
    finally:
        await pool.close()
    return [*map(epoch_sentence, begun)]


def sentence(done: Reordered) -> str:
    """What an operator has to know about a tenant whose facts were given new order keys."""
    text = f"tenant {done.tenant}: {done.facts} facts have new order keys; the order of facts was another one for"
    text += f" {done.refolded} entities, of which {len(done.changed)} have changed"
    return text + _named(done.changed)


def redeclared_sentence(done: Refolded) -> str:
    """What an operator has to know about a tenant whose owners declare otherwise what a restart of sequences means."""
    text = f"tenant {done.tenant}: by another on_sequence_restart {done.entities} entities were folded again, of which"
    return f"{text} {len(done.changed)} have changed{_named(done.changed)}"


def reread_sentence(done: Refolded) -> str:
    """What an operator has to know about a tenant whose facts are read by other upcasters than before."""
    text = f"tenant {done.tenant}: by other upcasters {done.entities} entities were folded again, of which"
    return f"{text} {len(done.changed)} have changed{_named(done.changed)}"


def epoch_sentence(epoch: Epoch) -> str:
    """What an operator has to know about a tenant whose database was restored."""
    return (
        f"tenant {epoch.tenant}: a new epoch follows revision {epoch.restored}; positions in the feed that were issued "
        "before answer 410, and their readers start again from a snapshot"
    )


def _named(changed: list[EntityKey]) -> str:
    if not changed:
        return ""
    names = ", ".join(f"{kind} {key}" for kind, key in sorted(changed)[:_NAMED])
    return f": {names}" + (", …" if len(changed) > _NAMED else "")
