"""Readiness: whether PostgreSQL answers, and holds the schema, links and order that this version needs."""

import asyncio
from typing import NamedTuple

import asyncpg

from catalog.catalog import Catalog
from errors import Unavailable
from store.db import schema
from store.db.pool import Pool, connection
from store.db.sql import fetch_rows, fetch_value

SECONDS = 2.0
"""How long PostgreSQL may take to answer."""

_MEND = "run `tether migrate`"


class _Migration(NamedTuple):
    name: str


class _Settled(NamedTuple):
    relationship: str


class _FoldedKind(NamedTuple):
    kind: str


class _Meaning(NamedTuple):
    name: str
    meaning: str


async def check(pool: Pool, catalog: Catalog) -> str:
    """Returns ``ok``, or a sentence that says what is missing and how to mend it."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _missing(pool, catalog)
    except Unavailable as error:
        return str(error)
    except TimeoutError:
        return f"PostgreSQL did not answer within {SECONDS:g} s"
    except asyncpg.UndefinedTableError:
        return f"there is no schema: {_MEND}"
    except asyncpg.PostgresError as error:
        return f"PostgreSQL reports an error: {error}"


async def _missing(pool: Pool, catalog: Catalog) -> str:
    async with connection(pool) as conn:
        applied = {row.name for row in await fetch_rows(conn, _Migration, "applied_migrations")}
        missing = sorted(set(schema.names()) - applied)
        if missing:
            return f"migrations are missing: {', '.join(missing)}; {_MEND}"
        if await fetch_value(conn, "has_former_order"):
            return f"facts have the order of an earlier version; {_MEND}"
        settled = {row.relationship for row in await fetch_rows(conn, _Settled, "settled_relationships")}
        unsettled = sorted(catalog.relationships.keys() - settled)
        if unsettled:
            return f"relationships are not backfilled: {', '.join(unsettled)}; {_MEND}"
        folded = {row.kind for row in await fetch_rows(conn, _FoldedKind, "restarting_kinds")}
        redeclared = sorted(catalog.redeclared(folded))
        if redeclared:
            return (
                "on_sequence_restart is declared otherwise than when the tables were folded, for: "
                f"{', '.join(redeclared)}; {_MEND}"
            )
        meanings = {row.name: row.meaning for row in await fetch_rows(conn, _Meaning, "read_by")}
        if reread := sorted(catalog.reread(meanings)):
            return f"facts are read otherwise than when the tables were folded ({', '.join(reread)}); {_MEND}"
    return "ok"
