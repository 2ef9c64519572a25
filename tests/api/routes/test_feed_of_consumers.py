"""The feed of a consumer: from its position, with its filter, and after a restore."""

import json
from typing import Any

import pytest

from store.db import epochs
from store.db.pool import Pool
from tests.support.consumer_calls import acknowledge, put, record, take_over
from tests.support.events import event
from tests.support.posting import ApiCaller
from tests.support.recording import FactRecorder


async def read(caller: ApiCaller, **query: Any) -> tuple[list[str], str]:
    """The subjects in a page of the feed of a consumer, and the offset after it."""
    response = await caller.ask("GET", "/v1/feed", key="read", params={"consumer": "shopping", **query})
    assert response.status == 200, response.content
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    return [item["subject"] for item in response.content], response.headers["stream-next-offset"]


async def test_feed_of_a_consumer_goes_on_from_its_position_with_its_filter(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    for n in range(3):
        await facts.record(event("CategoryAdded", f"c{n}", 1, name="c"), event("GroupCreated", f"g{n}", 1, name="g"))
    generation = (await put(caller, filter={"kind": "category"})).content["generation"]
    subjects, offset = await read(caller, limit=2)
    assert subjects == ["c0", "c1"]
    assert (await read(caller, limit=2))[0] == ["c0", "c1"]
    assert (await read(caller, offset=offset))[0] == ["c2"]
    await acknowledge(caller, offset, generation)
    subjects, offset = await read(caller)
    assert subjects == ["c2"]
    await acknowledge(caller, offset, generation)
    assert (await read(caller)) == ([], offset)
    assert (await caller.get("consumers/shopping"))["state"] == "current"


async def test_every_offset_in_a_page_can_be_acknowledged_and_is_gone_on_from(
    caller: ApiCaller, facts: FactRecorder
) -> None:
    await facts.record(*(event("CategoryAdded", f"{'c' * 200}{n}", 1, name="c") for n in range(5)))
    generation = (await put(caller)).content["generation"]
    whole, _ = await read(caller)
    items = (await caller.ask("GET", "/v1/feed", params={"consumer": "shopping"})).content
    for n, item in enumerate(items, 1):
        assert (await acknowledge(caller, item["id"], generation)).content["offset"] == item["id"]
        assert (await read(caller))[0] == whole[n:]
        state = await caller.get("consumers/shopping")
        assert (state["state"], state["lag"]["revisions"]) == ("behind", 1)  # part of a revision is the whole one


async def test_filters_may_be_json_and_are_those_of_the_feed(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c1", 1, name="c"), event("CategoryAdded", "d1", 1, name="c"))
    filters = [{"prefix": {"subject": "d"}}]
    first = await put(caller, filter={"kind": "category", "filters": filters, "changes": "only"})
    assert first.status == 201
    as_text = await put(caller, filter={"kind": "category", "filters": json.dumps(filters), "changes": "only"})
    assert as_text.content["filter"]["changes"] == "only"
    assert (await read(caller))[0] == ["d1"]
    assert (await put(caller, filter={"filters": [{"colour": {"type": "red"}}]})).status == 400
    assert (await put(caller, filter={"parent": "p"})).status == 400
    assert (await put(caller, filter={"replica": "nothing"})).status == 404


async def test_feed_of_a_consumer_takes_no_other_filter_and_needs_the_consumer(caller: ApiCaller) -> None:
    missing = await caller.ask("GET", "/v1/feed", params={"consumer": "shopping"})
    assert (missing.slug, "'shopping'" in missing.content["detail"]) == ("unknown", True)
    await put(caller)
    refused = await caller.ask("GET", "/v1/feed", params={"consumer": "shopping", "kind": "category"})
    assert (refused.status, "kind" in refused.content["detail"]) == (400, True)


@pytest.mark.parametrize("begun", ["-1", "now"])
async def test_feed_of_a_consumer_is_gone_after_a_restore(
    caller: ApiCaller, facts: FactRecorder, pool: Pool, begun: str
) -> None:
    await record(facts, 2)
    await put(caller, offset=begun, filter={"kind": "category"})
    async with pool.acquire() as conn:
        await epochs.begin_everywhere(conn, "test")
    response = await caller.ask("GET", "/v1/feed", params={"consumer": "shopping"})
    assert (response.status, response.slug) == (410, "expired")
    assert response.content["resync"] == "/v1/snapshots?kind=category"


async def test_consumer_goes_on_after_a_snapshot(caller: ApiCaller, facts: FactRecorder) -> None:
    await record(facts, 2)
    await put(caller, filter={"kind": "category"}, offset="now")
    lines = (
        await caller.http.get("/v1/snapshots?kind=category", headers={"authorization": f"Bearer {caller.keys['read']}"})
    ).text.splitlines()
    start = json.loads(lines[0])["data"]
    await facts.record(event("CategoryAdded", "later", 1, name="c"))
    await take_over(caller, offset=start["offset"])
    assert (await read(caller))[0] == ["later"]


async def test_filter_with_a_number_beyond_64_bits_is_refused(caller: ApiCaller) -> None:
    refused = await put(caller, filter={"filters": [{"exact": {"type": 10**21}}]})
    assert (refused.status, refused.slug) == (400, "bad-request")
    assert "the value of type is a text" in refused.content["detail"]
