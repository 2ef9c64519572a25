"""Each event of a batch or stream has its own outcome: a bad one harms no other and is named by its index."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.db.pool import Pool
from tests.support.events import Event
from tests.support.posting import BATCH, NDJSON, ApiCaller, ApiResponse, group
from tests.support.sampling import examples

_examples = count(1)
FORMS = (BATCH, NDJSON)


def text(event: object) -> bytes:
    return json.dumps(event).encode()


REJECTED: dict[str, Callable[[str], bytes]] = {
    "no id": lambda key: text(group(key, id=None)),
    "numeric id": lambda key: text(group(key, id=7)),
    "no specversion": lambda key: text(group(key, specversion=None)),
    "time to the minute": lambda key: text(group(key, time="2018-04-05T18:31Z")),
    "no object": lambda key: text([group(key)]),
    "null": lambda key: b"null",
    "another owner's fact": lambda key: text(group(key, source="/channels", type="ChannelCreated.v1")),
    "another owner's source": lambda key: text(group(key, source="/channels")),
    "broken value": lambda key: text(group(key)).replace(b'"1.0"', b"tru"),
    "single quotes": lambda key: repr(group(key)).encode(),
    "unescaped quotes": lambda key: text(group(key)).replace(b"GroupCreated", b'Group "A" Created'),
    "no UTF-8": lambda key: text(group(key)).replace(b"GroupCreated", b"\xff"),
    "bracket not closed": lambda key: text(group(key))[:-1],
    "cut off in an object": lambda key: text(group(key))[:-2],
    "cut off in a text": lambda key: text(group(key))[:25],
    "cut off in a name": lambda key: text(group(key))[:7],
    "a bracket": lambda key: b"{",
    "a bracket too many": lambda key: text(group(key)) + b"}",
    "word": lambda key: b"nonsense",
    "unquoted name": lambda key: b"{broken",
}
QUARANTINED: dict[str, Callable[[str], bytes]] = {
    "unknown type": lambda key: text(group(key, type="GroupPainted.v1")),
    "contract broken": lambda key: text(group(key, data={"name": 7})),
    "nul": lambda key: text(group(key, data={"name": "a\0"})),
    "too large": lambda key: text(group(key, data={"name": "x" * 262_144})),
    "too deep": lambda key: text(group(key, data={"name": "x", "extra": "@"})).replace(b'"@"', b"[" * 70 + b"]" * 70),
    "conflict": lambda key: text(group("first", data={"name": key})),
}
BAD = REJECTED | QUARANTINED
UNCLOSED = {name for name in BAD if name.startswith(("bracket not", "cut off"))} | {"a bracket", "unquoted name"}
UNLIKE_AN_OBJECT = {"no object", "null", "word", "single quotes", "a bracket", "unquoted name"}
"""After an element of an array that is not closed, these may belong to it."""


def body(form: str, parts: list[bytes]) -> bytes:
    return b"[" + b",".join(parts) + b"]" if form == BATCH else b"".join(part + b"\n" for part in parts)


def unrecorded(response: ApiResponse) -> dict[int, str]:
    """Index → in which list the answer names it."""
    assert response.status == 202, response.content
    found = {one["index"]: name for name in ("quarantined", "rejected") for one in response.content[name]}
    assert len(found) == sum(len(response.content[name]) for name in ("quarantined", "rejected"))
    return found


async def live(pool: Pool, tenant: str, prefix: str) -> set[str]:
    """The keys of the groups that begin so."""
    query = "select key from entities where tenant = $1 and kind = 'group' and state = 'live' and key like $2"
    return {row["key"] for row in await pool.fetch(query, tenant, f"{prefix}%")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", BAD)
async def test_twenty_good_events_are_recorded_beside_a_bad_one(
    caller: ApiCaller, pool: Pool, form: str, name: str
) -> None:
    await caller.event(group("first"))
    good = [f"g{number:02}" for number in range(20)]
    parts = [text(group(key)) for key in good]
    parts.insert(10, BAD[name]("bad"))
    response = await caller.post(body(form, parts), form, key="publish:groups")
    assert unrecorded(response) == {10: "rejected" if name in REJECTED else "quarantined"}
    assert response.content["accepted"] == 20
    assert await live(pool, caller.tenant, "") == {"first", *good}


@settings(
    deadline=None,
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    form=st.sampled_from(FORMS),
    kinds=st.lists(st.sampled_from(["good", "good", "good", *BAD]), max_size=30),
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=5),
)
async def test_any_mix_records_the_good_and_names_the_bad_by_index(
    caller: ApiCaller, pool: Pool, form: str, kinds: list[str], cuts: list[int]
) -> None:
    prefix = f"x{next(_examples)}-"
    await caller.event(group("first"))
    keys = [f"{prefix}{number}" for number in range(len(kinds))]
    parts = [text(group(key)) if kind == "good" else BAD[kind](key) for kind, key in zip(kinds, keys, strict=True)]
    content = body(form, parts)

    async def sent() -> AsyncIterator[bytes]:
        place, turn = 0, 0
        while place < len(content):
            size = cuts[turn % len(cuts)] * (1 if len(content) < 20_000 else 1_000)
            yield content[place : place + size]
            place, turn = place + size, turn + 1

    response = await caller.post(sent(), form, key="publish:groups")
    if response.status == 400:
        assert form == BATCH
        assert any(one in UNCLOSED and two in UNLIKE_AN_OBJECT for one, two in pairwise(kinds))
        assert await live(pool, caller.tenant, prefix) == set()
        return
    assert unrecorded(response) == {
        index: "rejected" if kind in REJECTED else "quarantined" for index, kind in enumerate(kinds) if kind != "good"
    }
    assert response.content["accepted"] == kinds.count("good")
    assert await live(pool, caller.tenant, prefix) == {k for k, kind in zip(keys, kinds, strict=True) if kind == "good"}


@pytest.mark.parametrize("form", FORMS)
async def test_request_of_several_with_nothing_good_is_answered_with_202(caller: ApiCaller, form: str) -> None:
    response = await caller.post(body(form, [text(group("a", id=None))]), form)
    assert (response.content["accepted"], unrecorded(response)) == (0, {0: "rejected"})
    assert response.content["rejected"][0]["reason"] == "id: is missing"


@pytest.mark.parametrize("form", FORMS)
async def test_rejected_event_is_kept_as_received_unless_it_is_foreign(caller: ApiCaller, form: str) -> None:
    foreign = group("c", source="/channels", type="ChannelCreated.v1")
    parts = [text(foreign), b'{"id": "x",  "source": "/groups", "type": 5}', b'{"id": tru}']
    response = await caller.post(body(form, parts), form, key="publish:groups")
    assert [(one["index"], one["id"]) for one in response.content["rejected"]] == [(0, "c-1"), (1, "x"), (2, None)]
    assert "may not publish" in response.content["rejected"][0]["reason"]
    kept = {one["reason"]: one for one in await caller.quarantine()}
    assert sorted(kept) == sorted(one["reason"] for one in response.content["rejected"][1:])
    first = kept['specversion: must be "1.0"']
    assert (first["event_id"], first["source"], first["type"]) == ("x", "/groups", None)
    assert "tru" in next(one["raw"] for reason, one in kept.items() if "no JSON" in reason)


@pytest.mark.parametrize(
    ("megabytes", "id", "reason"),
    [(3, "long-1", "too large: 3145739 bytes of data, 262144 are taken"), (17, None, "too large: the line is longer")],
)
async def test_line_that_is_too_large_harms_only_itself(
    caller: ApiCaller, megabytes: int, id: str | None, reason: str
) -> None:
    long = text(group("long", data={"name": "x" * (megabytes << 20)}))
    response = await caller.lines(group("a"), long, group("b"))
    (quarantined,) = response.content["quarantined"]
    assert (response.content["accepted"], quarantined["index"], quarantined["id"]) == (2, 1, id)
    assert quarantined["reason"].startswith(reason)
    assert await caller.facts() == ["a", "b"]
    (kept,) = await caller.quarantine()
    assert kept["raw"].encode() == long[:524_288]


async def test_lines_before_the_end_of_broken_gzip_are_recorded(caller: ApiCaller) -> None:
    packed = gzip.compress(b"".join(text(group(f"g{number}")) + b"\n" for number in range(700)))
    response = await caller.post(packed[:-9], NDJSON, content_encoding="gzip")
    assert (response.status, response.slug) == (400, "malformed-event")
    assert response.content["accepted"] == len(await caller.facts()) == 700


STRICT: list[tuple[bytes, int, str]] = [
    (text(group("b", id=None)), 400, "malformed-event"),
    (text(group("b", source="/channels", type="ChannelCreated.v1")), 403, "forbidden"),
    (text(group("b", data={})), 422, "contract-violation"),
    (text(group("b", sequence=None, time="2999-01-01T00:00:00Z")), 422, "contract-violation"),
    (text(group("first", data={"name": "b"})), 409, "conflict"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("bad", "status", "slug"), STRICT)
async def test_strict_request_records_all_or_nothing(
    caller: ApiCaller, form: str, bad: bytes, status: int, slug: str
) -> None:
    await caller.event(group("first"))
    parts = [text(group("a")), bad, text(group("z"))]
    response = await caller.post(body(form, parts), form, key="publish:groups", prefer="handling=strict")
    assert (response.status, response.slug, response.content["index"]) == (status, slug, 1)
    assert [one["index"] for one in response.content["errors"]] == [1]
    assert response.content["detail"].startswith("event 1: ")
    assert await caller.facts() == ["first"]
    assert await caller.quarantine() == []


@pytest.mark.parametrize("fields", [["respond-async", "handling=strict"], ['handling="strict"']])
async def test_strict_preference_may_be_written_in_other_ways(caller: ApiCaller, fields: list[str]) -> None:
    headers = [("content-type", BATCH), ("authorization", f"Bearer {caller.keys['admin']}")]
    headers += [("prefer", one) for one in fields]
    content = body(BATCH, [text(group("a")), text(group("b", id=None))])
    answer = await caller.http.post("/v1/events", content=content, headers=headers)
    assert (answer.status_code, answer.json()["index"]) == (400, 1)
    assert await caller.facts() == []


async def test_strict_stream_stops_at_the_first_chunk_with_a_conflict(caller: ApiCaller) -> None:
    await caller.event(group("first"))
    lines = [group(f"g{number:04}") for number in range(1_600)]
    lines[600] = group("first", data={"name": "another"})
    response = await caller.lines(*lines, prefer="handling=strict")
    assert (response.status, response.content["index"], response.content["accepted"]) == (409, 600, 500)
    assert len(await caller.facts()) == 501
    assert await caller.quarantine() == []


TEAM = {"source": "/teams", "type": "TeamCreated.v1"}


def team(key: str, **data: object) -> Event:
    return group(key, **TEAM, data={"name": key, **data})


@pytest.mark.parametrize("form", FORMS)
async def test_misspelt_optional_field_is_warned_of_and_recorded(caller: ApiCaller, form: str) -> None:
    teams = [team("t0", event_id="e"), team("t1", event="e"), team("t2", colour="red"), team("t3", eventId="e")]
    response = await caller.post(body(form, [text(one) for one in teams]), form)
    assert (response.content["accepted"], response.content["warnings_count"]) == (4, 2)
    assert response.content["warnings"] == [
        {"index": 1, "reason": "TeamCreated.v1 declares no field 'event': is 'event_id' meant?"},
        {"index": 3, "reason": "TeamCreated.v1 declares no field 'eventId': is 'event_id' meant?"},
    ]
    assert (await caller.get("entities/team/t1"))["data"] == {"name": "t1", "event": "e"}


@pytest.mark.parametrize("form", FORMS)
async def test_misspelt_attribute_is_warned_of_and_kept(caller: ApiCaller, form: str) -> None:
    facts = [
        group("a"),
        group("b", sequence=None, seqence="1"),
        group("c", Sequence="2"),
        group("d", correlationId="x"),
    ]
    response = await caller.post(body(form, [text(one) for one in facts]), form)
    assert response.content["accepted"] == 4
    assert response.content["warnings"] == [
        {"index": 1, "reason": "attribute 'seqence' has no effect: is 'sequence' meant?"},
        {"index": 3, "reason": "attribute 'correlationId' has no effect: is 'correlationid' meant?"},
    ]


@pytest.mark.parametrize("form", FORMS)
async def test_warnings_are_about_recorded_facts_alone(caller: ApiCaller, form: str) -> None:
    await caller.event(team("t0", event_id="e"))
    teams = [team("t0", event="e"), team("t1", event="e"), team("t2", event="e", id="@")]
    teams[2]["time"] = "2999-01-01T00:00:00Z"
    response = await caller.post(body(form, [text(one) for one in teams]), form)
    assert [one["index"] for one in response.content["quarantined"]] == [0, 2]
    assert [one["index"] for one in response.content["warnings"]] == [1]
    assert response.content["warnings_count"] == 1


async def test_single_event_is_answered_with_its_warning(caller: ApiCaller) -> None:
    response = await caller.event(team("t1", event="e"))
    assert [one["index"] for one in response.content["warnings"]] == [0]
    assert (await caller.event(team("t2", event_id="e"))).content["warnings"] == []


async def test_answer_lists_a_limited_number_of_warnings_and_counts_all(caller: ApiCaller) -> None:
    response = await caller.lines(*(team(f"t{number}", event="e") for number in range(1_050)))
    assert [one["index"] for one in response.content["warnings"]] == list(range(100))
    assert (response.content["warnings_count"], response.content["accepted"]) == (1_050, 1_050)


@pytest.mark.parametrize("form", FORMS)
async def test_strict_request_names_the_fact_that_makes_its_entity_too_large(caller: ApiCaller, form: str) -> None:
    parts = [text(group("a", id=f"a{n}", data={"name": "a", f"f{n}": "x" * 240_000})) for n in range(6)]
    response = await caller.post(body(form, parts), form, key="publish:groups", prefer="handling=strict")
    assert (response.status, response.slug) == (422, "contract-violation")
    index = response.content["index"]
    assert [one["index"] for one in response.content["errors"]] == [index]
    assert response.content["detail"].startswith(f"event {index}: group 'a' would be larger than ")
    assert await caller.facts() == []
    assert (await caller.post(body(form, parts[:index]), form, key="publish:groups")).status == 202
