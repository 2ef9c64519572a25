"""A new catalog says what of the quarantine it would accept, and the migration groups what is there."""

import shutil
from pathlib import Path

import pytest

from config import Limits
from facts.validation import Validator
from store.db import schema
from store.db.pool import Pool, connection
from store.quarantine import report
from tests.support.events import event
from tests.support.quarantined import keep
from tests.support.redriving import unknown
from tests.support.tenants import StoreTenant

FILES = Path(schema.__file__).parent / "migrations"


async def sentences(tenant: StoreTenant) -> list[str]:
    async with connection(tenant.pool) as conn:
        found = await report.acceptable(conn, Validator(tenant.catalog, Limits()))
    return [report.sentence(one) for one in found]


async def test_report_names_what_would_be_accepted_and_what_is_missing(tenant: StoreTenant) -> None:
    await tenant.record(event("GroupCreated", "known", 1, name="k"))
    good = [event("GroupCreated", f"g{n}", 1, name="g") for n in range(4)]
    bad = [event("GroupCreated", f"b{n}", 1) for n in range(2)]
    known = event("GroupCreated", "known", 1, name="k")
    other = event("GroupCreated", "known", 1, name="other")
    still = {**good[0], "type": "Still.v1"}
    await keep(tenant.pool, tenant.name, *map(unknown, [*good, *bad, known, other, still]))
    (sentence,) = await sentences(tenant)
    assert sentence == (
        "tenant main: 8 events GroupCreated.v1 are in quarantine (no contract declares GroupCreated.v1): "
        "4 of 8 would be accepted; 1 are recorded already; 2: field `name` missing; 1: another fact is recorded under "
        "the same source and id: `data` differs. "
        "Redrive them: tether quarantine redrive --type GroupCreated.v1 --code unknown_type"
    )


async def test_report_is_empty_while_nothing_would_be_accepted(tenant: StoreTenant) -> None:
    await keep(tenant.pool, tenant.name, unknown(event("GroupCreated", "b", 1)))
    assert await sentences(tenant) == []


async def test_migration_groups_what_is_in_quarantine_already(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in FILES.glob("*.sql"):
        if file.name < "0070":
            shutil.copy(file, tmp_path)
    await pool.execute("drop schema tether cascade")
    monkeypatch.setattr(schema, "_MIGRATIONS", tmp_path)
    async with connection(pool) as conn:
        await schema.apply(conn)
        for n, (type, reason) in enumerate(
            [
                ("A.v2", "unknown type: no contract declares A.v2"),
                ("A.v2", "unknown type: no contract declares A.v2; is A.v1 meant?"),
                ("A.v1", "breaks A.v1: name: Field required"),
                ("A.v1", "breaks A.v1: address.zip: Input should be a valid string"),
                (None, "event: is no JSON object"),
                ("x" * 2000, "too long"),
            ]
        ):
            await conn.execute(
                "insert into quarantine (tenant, digest, type, reason, raw, received)"
                " values ('main', $1, $2, $3, 'raw', now())",
                b"%d" % n,
                type,
                reason,
            )
        monkeypatch.setattr(schema, "_MIGRATIONS", FILES)
        await schema.apply(conn)
        rows = await conn.fetch("select type, code, field, events, bytes from quarantine_groups order by 1, 2, 3")
    assert [tuple(row) for row in rows] == [
        ("", "other", "", 1, 3),
        ("A.v1", "field_invalid", "address", 1, 3),
        ("A.v1", "field_missing", "name", 1, 3),
        ("A.v2", "unknown_type", "type", 2, 6),
        ("x" * 256, "other", "", 1, 3),
    ]
