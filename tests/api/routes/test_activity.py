"""`GET /v1/entities/{kind}/{key}/activity`: keys, pages, filters, times and errors."""

import pytest

from facts import tokens
from tests.api.conftest import Api
from tests.support.events import event
from tests.support.merging import activity, merged, unmerged
from tests.support.posting import ApiCaller
from tests.support.recording import TENANT, FactRecorder

TIME = "2026-01-01T00:00:{:02d}Z"


async def test_merged_activity_is_one_list_by_either_key(api: Api, facts: FactRecorder) -> None:
    first = await facts.record(activity("1", "ann", TIME.format(1)), activity("2", "a/b", TIME.format(2)))
    second = await facts.record(activity("3", "ann", "2026-01-01T00:00:03.000000004Z"), merged("a/b", "ann"))
    page = await api.get("entities/person/ann/activity")
    assert (page["requested"], page["key"], page["next"]) == ("ann", "a/b", None)
    assert page["items"][0] | {"received": ""} == {
        "origin": "ann",
        "feed": "activity",
        "subject": "3",
        "time": "2026-01-01T00:00:03.000000004Z",
        "type": "ActivityRecorded.v1",
        "source": "/activities",
        "id": "3",
        "data": {"person_id": "ann", "what": "visited"},
        "received": "",
        "revision": tokens.token(TENANT, second),
    }
    assert [(item["id"], item["origin"]) for item in page["items"]] == [("3", "ann"), ("2", "a/b"), ("1", "ann")]
    assert (await api.get("entities/person/a%2Fb/activity"))["items"] == page["items"]
    apart = await api.get("entities/person/ann/activity", as_of=tokens.token(TENANT, first))
    assert ([item["id"] for item in apart["items"]], apart["key"]) == (["1"], "ann")
    await facts.record(unmerged("a/b", "ann"))
    assert [item["id"] for item in await api.all("entities/person/ann/activity")] == ["3", "1"]


async def test_pages_and_filters_select_in_time_order(api: Api, facts: FactRecorder) -> None:
    await facts.record(*(activity(str(n), "ab"[n % 2], TIME.format(n)) for n in range(20)), merged("a", "b"))
    path = "entities/person/a/activity"
    every = [str(n) for n in range(20)]
    for limit in (1, 7, 20, 100):
        assert [item["id"] for item in await api.all(path, limit=limit)] == every[::-1]
        assert [item["id"] for item in await api.all(path, limit=limit, order="oldest")] == every
    some = await api.all(path, since=TIME.format(5), until=TIME.format(15), origin="b", order="oldest", limit=2)
    assert [item["id"] for item in some] == ["5", "7", "9", "11", "13"]
    assert await api.all(path, type="Other.v1") == []
    assert len(await api.all(path, type=["Other.v1", "ActivityRecorded.v1"], source="/activities")) == 20
    assert await api.all(path, source="/other") == []


async def test_times_before_1970_and_nanoseconds_page_too(api: Api, facts: FactRecorder) -> None:
    times = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999999Z",
        "1970-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000001001Z",
    ]
    await facts.record(*(activity(str(n), "a", time) for n, time in enumerate(times)))
    assert [item["time"] for item in await api.all("entities/person/a/activity", limit=1)] == times[::-1]
    assert [item["time"] for item in await api.all("entities/person/a/activity", limit=1, order="oldest")] == times


async def test_known_person_without_activity_has_an_empty_page(api: Api, facts: FactRecorder) -> None:
    await facts.record(event("PersonCreated", "a", 1, name="A"), merged("b", "c"))
    for key in "abc":
        assert (await api.get(f"entities/person/{key}/activity"))["items"] == []


@pytest.mark.parametrize(
    ("path", "query", "status", "part"),
    [
        ("entities/person/none/activity", {}, 404, "it has no activity"),
        ("entities/group/g/activity", {}, 404, "no feed of activity is about 'group'; kinds with activity are: person"),
        ("entities/activity/1", {}, 404, "'activity' is a feed: list the activity of what it is about"),
        ("entities/nokind/g/activity", {}, 404, "no kind of entity"),
        ("entities/person/a/activity", {"since": "yesterday"}, 422, "since"),
        ("entities/person/a/activity", {"type": "a\x00"}, 422, "query.type"),
        ("entities/person/a/activity", {"source": "a\x00"}, 422, "query.source"),
        ("entities/person/a/activity", {"origin": "a\x00"}, 422, "query.origin"),
        ("entities/person/a/activity", {"order": "random"}, 422, "order"),
        ("entities/person/a/activity", {"limit": 1001}, 422, "1000"),
        ("entities/person/a/activity", {"cursor": "AAAA"}, 400, "cursor"),
    ],
)
async def test_what_cannot_be_listed_is_named(
    api: Api, facts: FactRecorder, path: str, query: dict[str, str], status: int, part: str
) -> None:
    await facts.record(activity("1", "a"))
    found, problem = await api.ask(path, **query)
    assert found == status
    assert part in str(problem)


async def test_published_activity_without_a_subject_can_be_taken_back(api: Api, caller: ApiCaller) -> None:
    sent = await caller.event(activity("1", "ann", TIME.format(1)))
    assert (sent.status, sent.content["accepted"]) == (202, 1)
    assert (await caller.event(activity("1", "ann", TIME.format(9)))).content["duplicates"] == 1
    listed = await api.get("entities/person/ann/activity", at_least=sent.content["token"])
    assert [item["time"] for item in listed["items"]] == [TIME.format(1)]
    assert [fact["id"] for fact in await api.all("entities/activity/1/facts")] == ["1"]
    void = {"source": "/activities", "id": "1", "reason": "a mistake"}
    response = await caller.ask("POST", "/v1/entities/activity/1/voids", key="operate", json=void)
    assert response.status == 202
    at = {"at_least": response.content["token"]}
    assert (await api.get("entities/person/ann/activity", **at))["items"] == []
    assert (await api.get("entities/person/ann/activity", as_of=sent.content["token"]))["items"] == listed["items"]
    assert [one["type"] for one in await api.get("feed")] == ["ActivityRecorded", "FactVoided", "ActivityVoided"]


async def test_cursor_is_bound_to_its_filters(api: Api, facts: FactRecorder) -> None:
    await facts.record(activity("1", "a"), activity("2", "a"))
    cursor = (await api.get("entities/person/a/activity", limit=1))["next"]
    status, _ = await api.ask("entities/person/a/activity", limit=1, cursor=cursor, order="oldest")
    assert status == 400
