"""Callers beyond what can be kept waiting are sent away, and come back to an open door."""

import asyncio

import pytest

from config import Limits
from contracts.envelope import Entry, read
from errors import Unavailable
from relationships.admission import Admission
from relationships.catalog import Catalog
from store import record
from store.pool import Pool
from store.record import Recorder


def item(admission: Admission, key: str) -> Entry:
    event = {"specversion": "1.0", "id": key, "source": "/items", "type": "ItemAdded.v1", "subject": key}
    return admission.admit(read({**event, "data": {"name": key}}))


async def test_a_full_queue_sends_away_and_what_was_taken_is_answered(
    pool: Pool, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "QUEUE", 3)
    admission, recorder = Admission(catalog, Limits()), Recorder(pool, catalog)
    taken = [asyncio.create_task(recorder.record("main", [item(admission, f"i{n}")], actor="test")) for n in range(3)]
    await asyncio.sleep(0)  # each of them stands in the queue now
    with pytest.raises(Unavailable, match="3 facts wait"):
        await recorder.record("main", [item(admission, "one too many")], actor="test")
    assert [answer.accepted for answer in await asyncio.gather(*taken)] == [1, 1, 1]
    assert (await recorder.record("main", [item(admission, "later")], actor="test")).accepted == 1
