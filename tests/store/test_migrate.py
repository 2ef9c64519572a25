"""Migrations keep waits, outbox rows and unfinished operations."""

import shutil
from hashlib import blake2b
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from errors import BadDeclaration
from store import migrate as migrations
from store.db import schema
from store.db.pool import Pool
from store.operations import deletions, operations

FILES = Path(schema.__file__).parent / "migrations"
STARTED_DELETION = """
insert into operations (tenant, id, kind, workflow, about, key, state, actor, created_at, due, idempotency_key,
                        request_digest)
values ('main', 'o1', 'delete', 'cascade', 'event', 'a',
        'asked',  -- former name
        'ann', now(), now() + interval '1 day', 'k', $1)
"""
LIVE_EVENT = """
insert into entities (tenant, kind, key, state, data, latest, created, ended, from_revision)
values ('main', 'event', 'a', 'live', '{}', '\\x0102', '\\x0102', '', 1)
"""


WAITING = """
insert into heads (tenant, revision) values ('main', 7);  -- former name
insert into waits (tenant, relationship, parent, lacks, debtor, since, due, start_at, started_at, note)  -- former name
values ('main', 'category_item', 'light', 'parent', 'categories', '2026-01-01', '2026-01-02', '2026-01-01 00:01',
        '2026-01-01 00:02', 'refused');
insert into intents (tenant, workflow, about, key, source, id, fact, revision, created_at)  -- former name
values ('main', 'relationship', 'category_item', 'light', '/items', '1', 'ItemAdded', 7, now());
"""


async def apply_until(pool: Pool, folder: Path, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    """Recreates the schema with the migrations up to the one with the number ``last``."""
    await pool.execute("drop schema tether cascade")
    wanted = [file for file in sorted(FILES.glob("*.sql")) if file.name[:4] <= last]
    for file in wanted:
        shutil.copy(file, folder)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "_MIGRATIONS", folder)
        async with pool.acquire() as conn:
            assert await schema.apply(conn) == [file.name for file in wanted]


def test_two_migrations_of_one_number_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in FILES.glob("*.sql"):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(schema, "_MIGRATIONS", tmp_path)
    assert schema.names() == sorted(file.name for file in tmp_path.iterdir())
    (tmp_path / "0012_another.sql").write_text("select 1;")
    with pytest.raises(BadDeclaration, match=r"0012_contradictions\.sql: has the number of 0012_another\.sql"):
        schema.names()


async def test_renaming_keeps_waits_outbox_rows_and_revisions(
    pool: Pool, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply_until(pool, tmp_path, monkeypatch, "0006")
    await pool.execute(WAITING)
    assert "0007_plain_names.sql" in (await migrations.migrate(pool, catalog)).migrations
    (row,) = await pool.fetch("select * from waits")
    assert (row["missing"], row["owner"], row["last_error"]) == ("parent", "categories", "refused")
    assert row["waiting_since"] < row["workflow_after"] < row["workflow_started_at"] < row["due"]
    assert row["overdue_notified_at"] is None
    assert await pool.fetchval("select fact from outbox where revision = 7") == "ItemAdded"
    assert await pool.fetchval("select revision from tenant_revisions where tenant = 'main'") == 7
    assert await pool.fetchval("select missing_side('main', 'category_item', 'light', 'category', false)") is None


async def test_missing_links_are_read_from_sentences_of_waits(
    pool: Pool, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply_until(pool, tmp_path, monkeypatch, "0008")
    for parent, last_error in (
        ("one", "group_channel comes first"),
        ("two", "event_team and group_channel comes first"),
        ("refused", "the queue at channels comes first"),
        ("nothing", ""),
    ):
        await pool.execute(
            "insert into waits (tenant, relationship, parent, missing, owner, waiting_since, due, workflow_after, "
            "last_error) values ('main', 'membership', $1, 'child', 'channels', now(), now(), now(), $2)",
            parent,
            last_error,
        )
    assert "0016_lookups.sql" in (await migrations.migrate(pool, catalog)).migrations
    rows = await pool.fetch("select parent, missing_links, last_error from waits")
    assert {row["parent"]: (row["missing_links"], row["last_error"]) for row in rows} == {
        "one": (["group_channel"], ""),
        "two": (["event_team", "group_channel"], ""),
        "refused": ([], "the queue at channels comes first"),
        "nothing": ([], ""),
    }


async def test_deletion_requested_before_migration_0004_continues(
    pool: Pool, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await apply_until(pool, tmp_path, monkeypatch, "0003")
    digest = blake2b(repr(("delete", "event", "a")).encode()).digest()
    await pool.execute("insert into heads (tenant, revision) values ('main', 1)")  # former name
    await pool.execute(LIVE_EVENT)
    await pool.execute(STARTED_DELETION, digest)

    assert "0004_wishes.sql" in (await migrations.migrate(pool, catalog)).migrations  # former name
    row = await operations.find(pool, "main", "o1")
    assert row.requested_after == b"\x01\x02"
    again = await deletions.start(pool, catalog, "main", "event", "a", actor="ann", idempotency_key="k")
    assert again.id == "o1"
