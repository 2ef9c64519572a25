"""Migrations on a database in which something is under way."""

import shutil
from hashlib import blake2b
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from store import migrate as migrations
from store.db import schema
from store.db.pool import Pool
from store.operations import cascades, operations

FILES = Path(schema.__file__).parent / "migrations"
BEGUN = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, due, idempotency_key,
                        request_digest)
values ('main', 'o1', 'delete', 'cascade', 'event', 'a', 'asked', 'ann', now(), now() + interval '1 day', 'k', $1)
"""
LIVES = """
insert into entities (tenant, kind, key, state, data, latest, created, ended, from_revision)
values ('main', 'event', 'a', 'live', '{}', '\\x0102', '\\x0102', '', 1)
"""


async def test_what_was_wished_before_the_migration_of_wishes_goes_on(
    pool: Pool, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pool.execute("drop schema tether cascade")
    for number in ("0001", "0002", "0003"):
        (file,) = FILES.glob(f"{number}_*.sql")
        shutil.copy(file, tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "_MIGRATIONS", tmp_path)
        assert len(await migrations.migrate(pool, catalog)) == 3
    digest = blake2b(repr(("delete", "event", "a")).encode()).digest()
    await pool.execute("insert into heads (tenant, revision) values ('main', 1)")
    await pool.execute(LIVES)
    await pool.execute(BEGUN, digest)

    assert "0004_wishes.sql" in await migrations.migrate(pool, catalog)
    row = await operations.find(pool, "main", "o1")
    assert row["requested_after"] == b"\x01\x02"
    again = await cascades.start(pool, catalog, "main", "event", "a", actor="ann", idempotency_key="k")
    assert again["id"] == "o1"
