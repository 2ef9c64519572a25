"""Times at both ends of the calendar are recorded, read with their zone, and rebuilt the same."""

import pytest

from catalog.catalog import Catalog
from store.audit.verify import verify
from store.db.pool import Pool
from tests.support.events import event
from tests.support.posting import ApiCaller, group

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
ENDS = [
    FIRST,
    "0001-01-01T14:00:00+14:00",
    "0001-12-31T00:00:00Z",
    "9999-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    LAST,
]


async def test_first_and_last_years_are_recorded(caller: ApiCaller, pool: Pool, catalog: Catalog) -> None:
    facts = [group(f"g{number}", time=time) for number, time in enumerate(ENDS)]
    response = await caller.batch(*facts)
    assert (response.content["accepted"], response.content["quarantined"]) == (len(ENDS), [])
    assert (await caller.batch(*facts)).content["duplicates"] == len(ENDS)
    assert (await verify(pool, catalog, caller.tenant, rebuild=True)).sound


@pytest.mark.parametrize("time", [FIRST, LAST])
async def test_ends_of_the_calendar_are_read_with_their_zone(caller: ApiCaller, time: str) -> None:
    response = await caller.event(event("ItemAdded", "i", 1, time=time, name="x", category="c"))
    assert response.content["accepted"] == 1
    why = await caller.get("relationships/category_item/links/i/why")
    assert [fact["time"] for fact in why["facts"] if fact["type"] == "ItemAdded.v1"] == [time]
    assert time[:4].lstrip("0") in why["sentence"]


@pytest.mark.parametrize("time", ["2026-W01-1T00:00:00Z", "2026-01-31T120000.000Z", "2026-01-31T12:00:00,5Z"])
async def test_other_forms_of_iso_8601_are_refused(caller: ApiCaller, time: str) -> None:
    response = await caller.event(group(time=time))
    assert (response.status, response.content["field"]) == (400, "time")
