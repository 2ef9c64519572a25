"""The recorder's queue has a limit, and a strict submission is recorded as a whole or not at all."""

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
from store.write.recording import CONFLICT
from store.write.strict import StrictFlaw, StrictRefusal


def item(validator: Validator, key: str, name: str = "") -> Entry:
    event = {"specversion": "1.0", "id": key, "source": "/items", "type": "ItemAdded.v1", "subject": key}
    return validator.validate(read({**event, "data": {"name": name or key}}))


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


async def test_strict_submission_with_a_conflict_is_left_out_of_its_group(pool: Pool, catalog: Catalog) -> None:
    validator, one = Validator(catalog, Limits()), Recorder(pool, catalog)
    await one.record("main", [item(validator, "known")], actor="test")
    mixed = [item(validator, "new"), item(validator, "known", "another")]
    first, strict, last = await asyncio.gather(
        one.record("main", [item(validator, "first")], actor="test"),
        one.record("main", mixed, actor="test", strict=True),
        one.record("main", [item(validator, "last")], actor="test", strict=True),
        return_exceptions=True,
    )
    assert isinstance(strict, StrictRefusal)
    assert list(strict.refused) == [1]
    assert strict.refused[1].startswith(CONFLICT)
    for answer in (first, last):
        assert not isinstance(answer, BaseException)
        assert answer.accepted == 1
    assert await pool.fetchval("select count(*) from quarantine") == 0
    assert (await one.record("main", mixed[:1], actor="test", strict=True)).accepted == 1


@pytest.mark.parametrize("place", [0, 1, 6, 7])
@pytest.mark.parametrize("also", [[], [7]])
async def test_strict_submission_names_the_first_fact_that_cannot_be_stored(
    pool: Pool, catalog: Catalog, place: int, also: list[int]
) -> None:
    validator, one = Validator(catalog, Limits()), Recorder(pool, catalog)
    entries = [item(validator, f"i{n}") for n in range(8)]
    for n in (place, *also):
        entries[n] = entries[n]._replace(key="\x00")
    with pytest.raises(StrictFlaw, match="cannot be stored: ") as caught:
        await one.record("main", entries, actor="test", strict=True)
    assert list(caught.value.refused) == [place]
    assert await pool.fetchval("select count(*) from facts") == 0
    assert await pool.fetchval("select count(*) from quarantine") == 0
