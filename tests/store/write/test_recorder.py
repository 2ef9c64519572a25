"""The recorder's queue: submissions beyond its limit are rejected, later ones are accepted again."""

import asyncio

import pytest

from catalog.catalog import Catalog
from config import Limits
from errors import Unavailable
from facts.envelope import Entry, read
from facts.validation import Validator
from store.db.pool import Pool
from store.write import recorder
from store.write.recorder import Recorder


def item(validator: Validator, key: str) -> Entry:
    event = {"specversion": "1.0", "id": key, "source": "/items", "type": "ItemAdded.v1", "subject": key}
    return validator.validate(read({**event, "data": {"name": key}}))


async def test_full_queue_rejects_and_accepted_facts_are_answered(
    pool: Pool, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "QUEUE", 3)
    validator, one = Validator(catalog, Limits()), Recorder(pool, catalog)
    taken = [asyncio.create_task(one.record("main", [item(validator, f"i{n}")], actor="test")) for n in range(3)]
    await asyncio.sleep(0)  # each of them stands in the queue now
    with pytest.raises(Unavailable, match="3 facts are already waiting"):
        await one.record("main", [item(validator, "one too many")], actor="test")
    assert [answer.accepted for answer in await asyncio.gather(*taken)] == [1, 1, 1]
    assert (await one.record("main", [item(validator, "later")], actor="test")).accepted == 1
