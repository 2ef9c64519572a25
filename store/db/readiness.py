"""Whether PostgreSQL can be read, and holds what this version needs."""

import asyncio

import asyncpg

from catalog.catalog import Catalog
from errors import Unavailable
from store.db import schema
from store.db.pool import Pool, connection
from store.db.sql import sql

SECONDS = 2.0
"""How long PostgreSQL may take to answer."""

_MEND = "run `tether migrate`"


async def check(pool: Pool, catalog: Catalog) -> str:
    """``ok``, or what is missing, in words."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _missing(pool, catalog)
    except Unavailable as error:
        return str(error)
    except TimeoutError:
        return f"PostgreSQL did not answer within {SECONDS:g} s"
    except asyncpg.UndefinedTableError:
        return f"the schema is not there: {_MEND}"
    except asyncpg.PostgresError as error:
        return f"PostgreSQL refuses: {error}"


async def _missing(pool: Pool, catalog: Catalog) -> str:
    async with connection(pool) as conn:
        applied = {row["name"] for row in await conn.fetch(sql("applied_migrations"))}
        missing = sorted(set(schema.names()) - applied)
        if missing:
            return f"the schema lacks {', '.join(missing)}: {_MEND}"
        settled = {row["relationship"] for row in await conn.fetch(sql("settled_relationships"))}
        unsettled = sorted(catalog.relationships.keys() - settled)
        if unsettled:
            return f"nothing is linked yet by {', '.join(unsettled)}: {_MEND}"
    return "ok"
