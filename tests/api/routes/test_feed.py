"""`GET /v1/feed` by its protocols: Durable Streams, HTTP Feeds, lines, Server-Sent Events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.http import feed_reader, feed_streams
from api.http.feed_answers import FULL, INTERVAL, INTERVALS_BEGIN, TAIL, next_cursor
from config import Limits, Settings
from facts import own_facts, tokens
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder
from tests.support.serving import serving
from tests.support.strategies import deliver, history

BATCH, NDJSON, SSE = "application/cloudevents-batch+json", "application/x-ndjson", "text/event-stream"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Server-Sent Events end after half a second."""
    return settings.model_copy(update={"limits": Limits(stream=0.5)})


@pytest.fixture
async def http(api: Api, app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the served application: answers come as they are sent."""
    async with serving(app) as served:
        headers = {"authorization": api.http.headers["authorization"]}
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{served.port}/v1", headers=headers) as found:
            yield found
        app.state.dependencies.revisions.release()


async def categories(facts: FactRecorder, *keys: str, sequence: int = 1, name: str = "n") -> str:
    """Adds or changes categories; returns the token."""
    type = "CategoryAdded" if sequence == 1 else "CategoryUpdated"
    return tokens.token(TENANT, await facts.record(*(event(type, key, sequence, name=name) for key in keys)))


async def test_item_says_what_changed_when_by_whom_and_by_which_facts(api: Api, facts: FactRecorder) -> None:
    await categories(facts, "c")
    announced = own_facts.entry(
        "CategoryPraised", "category", "c", {"relationship": "category_item"}, id="p", causation="z"
    )
    added = event("ItemAdded", "i", 1, name="x", category="c", correlation="trace-1")
    await facts.record_entries([announced, facts.entry(added)])
    _, entity, link, fact = await api.get("feed")
    common = {"specversion": "1.0", "source": "/tether", "token": tokens.token(TENANT, 2), "actor": "test"}
    behind = [{"source": "/items", "id": added["id"], "type": "ItemAdded.v1", "correlationid": "trace-1"}]
    assert link == {
        **common,
        "id": link["id"],
        "time": entity["time"],
        "type": "Linked",
        "subject": "i",
        "relationship": "category_item",
        "parent": "c",
        "state": "linked",
        "correlationid": "trace-1",
        "data": {
            "change": "link",
            "relationship": "category_item",
            "child": "i",
            "parent": "c",
            "state": "linked",
            "facts": behind,
        },
    }
    assert (entity["type"], entity["kind"], entity["data"]["facts"]) == ("EntityChanged", "item", behind)
    assert (fact["type"], fact["subject"], fact["causationid"]) == ("CategoryPraised", "c", "z")
    assert (fact["data"]["fact"]["id"], fact["data"]["fact"]["type"]) == ("p", "CategoryPraised.v1")


async def test_any_page_size_and_any_offset_give_the_same_sequence(api: Api, facts: FactRecorder) -> None:
    events = deliver(3, history(3, 12, 60))
    for n in range(0, len(events), 7):
        await facts.record(*events[n : n + 7])
    whole = await api.get("feed")
    for limit in (1, 5):
        items, offset = await api.feed(limit=limit)
        while offset < whole[-1]["id"]:
            more, offset = await api.feed(limit=limit, offset=offset)
            items += more
        assert items == whole
    for n in range(0, len(whole), 10):
        assert await api.get("feed", offset=whole[n]["id"]) == whole[n + 1 :]


async def test_full_page_may_be_cached_and_the_last_one_is_requested_again(api: Api, facts: FactRecorder) -> None:
    await categories(facts, "a", "b", "c")
    full = await api.http.get("/v1/feed?limit=2")
    assert (len(full.json()), full.headers["cache-control"]) == (2, FULL)
    assert "stream-up-to-date" not in full.headers
    last = await api.http.get("/v1/feed", params={"offset": full.headers["stream-next-offset"]})
    assert (len(last.json()), last.headers["cache-control"]) == (1, TAIL)
    assert last.headers["stream-up-to-date"] == "true"
    for page in (full, last):
        again = await api.http.get(page.url, headers={"if-none-match": page.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["stream-next-offset"] == page.headers["stream-next-offset"]
    await categories(facts, "d")
    grown = await api.http.get(last.url, headers={"if-none-match": last.headers["etag"]})
    assert (grown.status_code, len(grown.json())) == (200, 2)


async def test_empty_page_with_another_offset_is_not_the_same_page(
    api: Api, facts: FactRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await categories(facts, "a")
    end = await api.http.get("/v1/feed?kind=item")
    assert (end.json(), end.headers["stream-up-to-date"]) == ([], "true")
    await categories(facts, "b")
    await categories(facts, "c")
    monkeypatch.setattr("store.read.feed.SECONDS", -1.0)  # every page ends at once
    more = await api.http.get("/v1/feed?kind=item&limit=1", headers={"if-none-match": end.headers["etag"]})
    assert (more.status_code, "stream-up-to-date" in more.headers) == (200, False)
    assert "Last-Event-ID" in more.headers["vary"]


async def test_now_gives_nothing_and_the_offset_of_the_end(api: Api, facts: FactRecorder) -> None:
    await categories(facts, "a")
    now = await api.http.get("/v1/feed?offset=now")
    assert (now.json(), now.headers["cache-control"], now.headers["stream-up-to-date"]) == ([], "no-store", "true")
    assert "etag" not in now.headers
    await categories(facts, "b")
    assert [i["subject"] for i in await api.get("feed", offset=now.headers["stream-next-offset"])] == ["b"]


async def test_long_poll_answers_with_the_next_item_or_204(api: Api, facts: FactRecorder) -> None:
    for offset in ("now", "-1"):
        empty = await api.http.get("/v1/feed", params={"offset": offset, "live": "long-poll", "timeout": 20})
        assert (empty.status_code, empty.content) == (204, b"")
        assert empty.headers["stream-up-to-date"] == "true"
    reading = asyncio.create_task(api.http.get("/v1/feed?offset=now&live=long-poll&timeout=20000"))
    await asyncio.sleep(0.05)
    await categories(facts, "a")
    page = await reading
    assert [item["subject"] for item in page.json()] == ["a"]
    assert int(page.headers["stream-cursor"]) > 0


async def test_long_poll_with_a_filter_waits_for_an_item_that_matches(api: Api, facts: FactRecorder) -> None:
    reading = asyncio.create_task(api.feed(offset="now", live="long-poll", kind="item", timeout=20_000))
    await asyncio.sleep(0.05)
    for n in range(3):
        await categories(facts, f"c{n}")
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    items, offset = await reading
    assert [item["subject"] for item in items] == ["i"]
    await categories(facts, "more")
    items, later = await api.feed(offset=offset, live="long-poll", kind="item", timeout=20)
    assert (items, later > offset) == ([], True)


def test_stream_cursor_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: INTERVALS_BEGIN + 1000.5 * INTERVAL)
    assert next_cursor("") == next_cursor("999") == next_cursor("no number") == "1000"
    for given in ("1000", "5000"):
        assert int(next_cursor(given)) > int(given)


async def test_http_feeds_goes_on_after_an_event_and_ends_with_an_empty_array(api: Api, facts: FactRecorder) -> None:
    await categories(facts, "a", "b")
    await facts.record(event("CategoryRemoved", "a", 2))
    accept = {"accept": BATCH}
    for start in ("", "?lastEventId=", "?lastEventId=null"):
        page = await api.http.get(f"/v1/feed{start}", headers=accept)
        assert page.headers["content-type"] == BATCH
        assert [(i["type"], i["subject"]) for i in page.json()][:2] == [("EntityChanged", "a"), ("EntityChanged", "b")]
    deleted = page.json()[-1]
    assert (deleted["method"], deleted["kind"], deleted["subject"]) == ("DELETE", "category", "a")
    assert "data" not in deleted
    params = {"lastEventId": deleted["id"], "timeout": "20"}
    assert (await api.http.get("/v1/feed", params=params, headers=accept)).json() == []
    reading = asyncio.create_task(api.http.get("/v1/feed", params={**params, "timeout": "20000"}, headers=accept))
    await asyncio.sleep(0.05)
    await categories(facts, "c")
    assert [item["subject"] for item in (await reading).json()] == ["c"]


async def test_http_feeds_gives_no_empty_page_before_the_end(
    api: Api, facts: FactRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.read.feed.SECONDS", -1.0)  # every page ends at once
    for n in range(3):
        await categories(facts, f"c{n}")
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    assert await api.get("feed", kind="item", limit=1) == []
    page = await api.http.get("/v1/feed?kind=item&limit=1", headers={"accept": BATCH})
    assert [item["subject"] for item in page.json()] == ["i"]


async def test_lines_end_where_the_feed_is_read_to_its_end(api: Api, facts: FactRecorder) -> None:
    await categories(facts, *(f"c{n:04}" for n in range(1_500)))
    answer = await api.http.get("/v1/feed", headers={"accept": NDJSON})
    assert answer.headers["content-type"] == NDJSON
    *items, last = map(json.loads, answer.text.splitlines())
    assert [item["subject"] for item in items] == [f"c{n:04}" for n in range(1_500)]
    assert (last["type"], last["token"]) == ("feed-caught-up", tokens.token(TENANT, 1))
    assert await api.get("feed", offset=last["id"]) == []
    page = await api.http.get("/v1/feed?limit=3", headers={"accept": NDJSON})
    assert [json.loads(line) for line in page.text.splitlines()] == items[:3]


async def sse(http: httpx2.AsyncClient, **query: Any) -> list[tuple[str, str, Any]]:
    """The events of one connection: name, id, data."""
    answer = await http.get("feed", params={"live": "sse", **query})
    assert answer.headers["content-type"].startswith(SSE)
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.text.split("\n\n")]
    return [(b["event"], b["id"], json.loads(b["data"])) for b in blocks if "event" in b]


async def test_server_sent_events_catch_up_and_end_by_themselves(http: httpx2.AsyncClient, facts: FactRecorder) -> None:
    await categories(facts, "a", "b", "c")
    found = await sse(http, limit=2)
    assert [name for name, _, _ in found] == ["data", "control", "data", "control"]
    assert [i["subject"] for name, _, data in found if name == "data" for i in data] == ["a", "b", "c"]
    first, last = found[1][2], found[3][2]
    assert ("upToDate" in first, last["upToDate"]) == (False, True)
    assert [id for _, id, _ in found] == [first["streamNextOffset"]] * 2 + [last["streamNextOffset"]] * 2
    resumed = await http.get("feed", params={"live": "sse"}, headers={"last-event-id": first["streamNextOffset"]})
    assert ('"subject":"c"' in resumed.text, '"subject":"b"' in resumed.text) == (True, False)


async def test_reader_has_caught_up_also_where_the_last_page_is_empty(
    http: httpx2.AsyncClient, facts: FactRecorder
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))
    await categories(facts, "c")
    found = await sse(http, limit=1, kind="item")
    assert [(name, "upToDate" in data) for name, _, data in found] == [
        ("data", False),
        ("control", False),
        ("control", True),
    ]


async def test_quiet_connection_differs_from_one_that_has_caught_up(
    http: httpx2.AsyncClient, facts: FactRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_reader, "QUIET", 0.1)
    monkeypatch.setattr(feed_streams, "QUIET", 0.1)
    await categories(facts, "a")
    names = [name for name, _, _ in await sse(http, offset="now")]
    assert names[0] == "control"
    assert set(names[1:]) == {"quiet"}


async def test_waiting_readers_are_answered_when_the_process_stops(
    app: FastAPI, http: httpx2.AsyncClient, facts: FactRecorder
) -> None:
    await categories(facts, "a")
    query = {"offset": "now", "live": "long-poll"}
    polling = asyncio.create_task(http.get("feed", params=query))
    async with http.stream("GET", "feed", params={"live": "stream"}) as lines:
        received = lines.aiter_lines()
        assert [json.loads(await anext(received))["type"] for _ in range(2)] == ["EntityChanged", "feed-caught-up"]
        await asyncio.sleep(0.05)
        app.state.dependencies.revisions.release()
        async with asyncio.timeout(10):
            assert (await polling).status_code == 204
            assert [line async for line in received] == []


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"filters": "{"}, "no JSON"),
        ({"filters": '{"exact": {"typ": "Linked"}}'}, "no attribute 'typ'"),
        ({"filters": '{"sql": "x"}'}, "no dialect 'sql'"),
        ({"filters": '[{"exact": {"type": ""}}]'}, "not empty"),
        ({"filters": '{"any": []}'}, "at least one"),
        ({"filters": "[" * 400 + "]" * 400}, "one member"),
        ({"filters": '{"not": ' * 20 + '{"exact": {"type": "a"}}' + "}" * 20}, "nested deeper"),
        ({"parent": "p"}, "relationship"),
        ({"replica": "shopping_customer", "kind": "item"}, "leave the rest out"),
        ({"offset": "-1", "lastEventId": "x"}, "one of them"),
    ],
)
async def test_bad_filter_is_refused_with_the_mend(api: Api, query: dict[str, str], detail: str) -> None:
    status, problem = await api.ask("feed", **query)
    assert (status, problem["type"]) == (400, "/problems/bad-request")
    assert detail in problem["detail"]
