"""A snapshot that is read further is summed up from where its progress was noted, and not from the beginning."""

from typing import Any

import orjson
import pytest

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.read import audits, snapshot_rows, snapshots
from store.read.snapshots import SnapshotRow
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder

KEYS = [f"i{n:02}" for n in range(12)]


@pytest.mark.parametrize("of", [{"kind": "item"}, {"relationship": "category_item"}], ids=["kind", "relationship"])
@pytest.mark.parametrize("cut", [3, 6, 9], ids=["before what was noted", "there", "after it"])
async def test_resumed_snapshot_reads_only_rows_in_between_again(
    pool: Pool, catalog: Catalog, facts: FactRecorder, monkeypatch: pytest.MonkeyPatch, of: dict[str, str], cut: int
) -> None:
    revision = await facts.record(*(event("ItemAdded", key, 1, name="n", category="c") for key in KEYS))
    rows = snapshot_rows.rows_of(catalog, **of)
    row = await snapshots.begin(pool, TENANT, rows, revision, "test", 60.0)
    monkeypatch.setattr(snapshots, "NOTED", 0.0)

    async def read(row: SnapshotRow, after: str, most: int = 100) -> list[Any]:
        lines: list[Any] = []
        reading = snapshots.lines(pool, TENANT, row, rows, after, 60.0, 3)
        async for piece in reading:
            lines += [orjson.loads(line) for line in piece.splitlines()]
            if len(lines) > most:
                break
        await reading.aclose()
        return lines

    assert [line["subject"] for line in (await read(row, "", 9))[1:]] == KEYS[:9]
    row = await snapshots.find(pool, TENANT, row.id)
    assert (row.counted_key, row.counted_rows) == (KEYS[5], 6)  # the third page was sent, and not noted yet
    summed, total = [], audits.total

    async def watched(*given: Any) -> Any:
        summed.append(given[-2:])
        return await total(*given)

    monkeypatch.setattr(audits, "total", watched)
    rest = await read(row, KEYS[cut - 1])
    assert [line["subject"] for line in rest[1:-1]] == KEYS[cut:]
    whole = await total(pool, TENANT, revision, rows)
    assert (rest[-1]["data"]["count"], rest[-1]["data"]["checksum"]) == (12, f"{whole.sum:016x}")
    assert summed == [tuple(sorted((KEYS[5], KEYS[cut - 1])))]
