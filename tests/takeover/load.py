"""Loads the fixture: rows into an empty database with the schema of their time, and the owners' databases."""

import sqlite3
from pathlib import Path

import asyncpg
import orjson

import store
from tests.takeover.environment import OWNERS
from tests.takeover.rows import State

BEFORE = Path(__file__).parent / "before"
DUMP = BEFORE / "dump.sql"
OWNERS_DUMPS = BEFORE / "owners"
HISTORIES = BEFORE / "histories"
EXPECTED = BEFORE / "expected.json"
FEED = BEFORE / "feed.json"
LAST_MIGRATION = "0006_lives.sql"
"""The newest migration of the version that wrote the fixture. Newer ones are applied to the loaded rows."""
_MIGRATIONS = Path(store.__file__ or "").parent / "db" / "migrations"
_SCHEMA = """
create schema tether;
create table tether.migrations (
    name text primary key, digest text not null, applied_at timestamptz not null default now());
"""


async def database(url: str) -> None:
    """Loads the rows into an empty database. Afterwards they are as old as they were when they were dumped."""
    conn = await asyncpg.connect(url, server_settings={"search_path": "tether", "timezone": "UTC"})
    try:
        await conn.execute(_SCHEMA)
        for file in sorted(_MIGRATIONS.glob("*.sql")):
            if file.name <= LAST_MIGRATION:
                await conn.execute(file.read_text(encoding="utf-8"))
        await conn.execute(DUMP.read_text(encoding="utf-8"))
    finally:
        await conn.close()


def owners(folder: Path) -> None:
    """Writes the database file of each owner to ``folder``."""
    for name in OWNERS:
        conn = sqlite3.connect(folder / f"{name}.db")
        try:
            conn.executescript((OWNERS_DUMPS / f"{name}.sql").read_text(encoding="utf-8"))
        finally:
            conn.close()


def expected() -> State:
    """Reads the end state that the version that wrote the fixture reached itself."""
    state: State = orjson.loads(EXPECTED.read_bytes())
    return state


def feed() -> list[State]:
    """Reads the pages of the feed of MAIN that the version that wrote the fixture served from the dump.

    Each has ``after``, the cursor that it was read with (None: the first page), ``items``, ``next`` and ``token``.
    """
    pages: list[State] = orjson.loads(FEED.read_bytes())
    return pages
