"""A fact that breaks its contract is quarantined with its reason; the other facts of the request are recorded."""

import json
from typing import Any

import pytest

from catalog.catalog import Catalog
from store.audit.verify import verify
from store.db.pool import Pool
from tests.support.posting import BATCH, ApiCaller, group

DEEP = 100_000


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def text(event: Any) -> str:
    return json.dumps(event)


def with_name(raw: str) -> str:
    """A good fact whose name is this JSON text."""
    return text(group("bad", data={"name": "@"})).replace('"@"', raw)


def with_extra(raw: str) -> str:
    """A good fact with one more field, which is this JSON text."""
    return text(group("bad", data={"name": "x", "extra": "@"})).replace('"@"', raw)


POISON: dict[str, tuple[str, str]] = {
    "unknown type": (text(group("bad", type="GroupPainted.v1")), "unknown type: no contract declares GroupPainted.v1"),
    "unknown version": (text(group("bad", type="GroupCreated.v2")), "unknown type"),
    "own source": (text(group("bad", source="/tether")), "Tether's own"),
    "below own source": (text(group("bad", source="/tether/x")), "Tether's own"),
    "no key": (text(group("bad", subject=None)), "subject is missing"),
    "long key": (text(group("k" * 513, id="bad-1")), "longer than 512 bytes: it has 513"),
    "long key of few characters": (text(group("😀" * 129, id="bad-1")), "longer than 512 bytes: it has 516"),
    "long id": (text(group("bad", id="x" * 1025)), "id is longer than 1024 bytes: it has 1025"),
    "megabytes of id": (text(group("bad", id="x" * 2_000_000)), "id is longer than 1024 bytes: it has 2000000"),
    "long type": (text(group("bad", type="x" * 1_000_000)), "type is longer than 2048 bytes: it has 1000000"),
    "long extension": (text(group("bad", dataschema="é" * 1_025)), "dataschema is longer than 2048 bytes: it has 2050"),
    "long name of an extension": (text(group("bad", **{"x" * 2_049: 1})), "name of an attribute is longer than 2048"),
    "missing field": (text(group("bad", data={})), "name: Field required"),
    "wrong kind of field": (text(group("bad", data={"name": 7})), "name: Input should be a valid string"),
    "no data": (text(group("bad", data=None)), "name: Field required"),
    "data is a text": (text(group("bad", data="x")), "data is no JSON object"),
    "data is a list": (text(group("bad", data=[])), "data is no JSON object"),
    "nul": (with_name('"a\\u0000b"'), "NUL"),
    "nul in a name": (text(group("bad", data={"name": "x", "a\0b": 1})), "NUL"),
    "nul in the key": (text(group("a\0b", id="bad-1")), "NUL"),
    "nul in the id": (text(group("bad", id="bad\0")), "NUL"),
    "lone surrogate": (with_name('"\\ud800"'), "surrogate"),
    "lone surrogate in a name": (text(group("bad", data={"name": "x", "\ud800": 1})), "surrogate"),
    "lone surrogate in the key": (text(group("\udfff", id="bad-1")), "surrogate"),
    "lone surrogate in the type": (text(group("bad", type="Group\ud800")), "unknown type"),
    "deep": (with_extra("[" * 65 + "]" * 65), "nested too deep"),
    "deeper than orjson": (with_extra("[" * 1030 + "]" * 1030), "nested too deep"),
    "as deep as orjson": (with_extra("[" * 1020 + "]" * 1020), "nested too deep"),
    "deep objects": (with_extra('{"a":' * 300 + "1" + "}" * 300), "nested too deep"),
    "deepest": (with_extra("[" * DEEP + "]" * DEEP), "nested too deep"),
    "large": (text(group("bad", data={"name": "x" * 262_144})), "too large"),
    "beyond double": (with_extra("1e400"), "the number 1e400 cannot be kept exactly"),
    "beyond double in a list": (with_extra("[-1e400]"), "the number -1e400 cannot be kept exactly"),
    "below double": (with_extra("1e-400"), "cannot be kept exactly"),
    "beyond 64 bits": (with_extra("18446744073709551616"), "cannot be kept exactly"),
    "more digits than a double": (with_extra("12345678901234567.25"), "12345678901234567.25 cannot be kept exactly"),
    "five thousand digits": (with_extra("9" * 5_000), "cannot be kept exactly"),
    "name given twice": (with_extra('{"a": 1, "a": 1}'), "two members named 'a'"),
    "xml": (text(group("bad", datacontenttype="application/xml", data="<a/>")), "datacontenttype is 'application/xml'"),
    "no media type": (text(group("bad", datacontenttype=7)), "datacontenttype is '7'"),
    "no base64": (text(group("bad", data=None, data_base64="!")), "data_base64 is no base64"),
    "base64 of no json": (text(group("bad", data=None, data_base64="PGEvPg==")), "data_base64 holds no JSON"),
    "data twice": (text(group("bad", data_base64="e30=")), "data and data_base64 are both given"),
}


@pytest.mark.parametrize("name", POISON)
async def test_bad_fact_is_quarantined_and_its_neighbours_are_recorded(caller: ApiCaller, name: str) -> None:
    raw, reason = POISON[name]
    before, after = text(group("a")), text(group("z"))
    response = await caller.post(f"[{before},{raw},{after}]", BATCH)
    assert response.status == 202, response.content
    assert response.content["accepted"] == 2
    (aside,) = response.content["quarantined"]
    assert aside["index"] == 1
    assert reason in aside["reason"]
    assert await caller.facts() == ["a", "z"]
    (kept,) = await caller.quarantine()
    assert kept["reason"] == aside["reason"]


@pytest.mark.parametrize("name", POISON)
async def test_bad_fact_is_quarantined_in_every_mode(caller: ApiCaller, name: str) -> None:
    raw, reason = POISON[name]
    alone = await caller.post(raw)
    assert alone.status == 202
    assert [(q["index"], reason in q["reason"]) for q in alone.content["quarantined"]] == [(0, True)]
    stream = await caller.lines(group("a"), raw.encode(), group("z"))
    assert (stream.status, stream.content["accepted"]) == (202, 2)
    assert [(q["index"], reason in q["reason"]) for q in stream.content["quarantined"]] == [(1, True)]
    assert await caller.facts() == ["a", "z"]


@pytest.mark.parametrize("name", POISON)
async def test_strict_request_with_a_bad_fact_is_refused_as_a_whole(caller: ApiCaller, name: str) -> None:
    raw, reason = POISON[name]
    for response in (
        await caller.post(raw, prefer="handling=strict"),
        await caller.post(f"[{text(group('a'))},{raw}]", BATCH, prefer="respond-async, handling = Strict"),
        await caller.lines(group("a"), raw.encode(), prefer="handling=strict"),
    ):
        assert (response.status, response.slug) == (422, "contract-violation")
        assert reason in response.content["detail"]
        assert len(response.content["errors"]) == 1
    assert await caller.facts() == []
    assert await caller.quarantine() == []


async def test_quarantined_event_is_kept_as_received(caller: ApiCaller) -> None:
    raw = '{"specversion": "1.0", "id": "x",  "source": "/groups", "type": "GroupPainted.v1"}'
    await caller.lines(raw.encode())
    await caller.post(raw)
    (kept,) = await caller.quarantine()
    assert (kept["raw"], kept["source"], kept["event_id"], kept["type"]) == (raw, "/groups", "x", "GroupPainted.v1")
    assert kept["times"] == 2


async def test_quarantine_keeps_a_bounded_part_of_a_large_event(caller: ApiCaller) -> None:
    await caller.event(group(data={"name": "x" * 5_000_000}))
    (kept,) = await caller.quarantine()
    assert len(kept["raw"]) == 2 * 256 * 1024


async def test_another_body_under_the_same_id_is_a_conflict(caller: ApiCaller) -> None:
    await caller.event(group("g1", data={"name": "first"}))
    second = group("g1", data={"name": "second"})
    response = await caller.event(second)
    assert (response.status, response.slug) == (409, "conflict")
    assert response.content["detail"].endswith("the first one stays. This one differs in data.name")
    batch = await caller.batch(group("a"), second, group("z"))
    assert (batch.status, batch.content["accepted"]) == (202, 2)
    assert [(q["index"], q["id"]) for q in batch.content["quarantined"]] == [(1, "g1-1")]
    assert (await caller.get("entities/group/g1"))["data"] == {"name": "first"}
    (kept,) = await caller.quarantine()
    assert json.loads(kept["raw"])["data"] == {"name": "second"}
    assert kept["times"] == 2


async def test_first_of_two_bodies_in_one_batch_is_recorded(caller: ApiCaller) -> None:
    response = await caller.batch(group("g1", data={"name": "first"}), group("g1", data={"name": "second"}))
    assert (response.content["accepted"], response.content["duplicates"], len(response.content["quarantined"])) == (
        1,
        0,
        1,
    )
    assert (await caller.get("entities/group/g1"))["data"] == {"name": "first"}


async def test_tracing_attributes_do_not_make_another_body(caller: ApiCaller) -> None:
    await caller.event(group())
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = await caller.event(group(traceparent=trace, correlationid="c", causationid="d", partitionkey="p"))
    assert (response.status, response.content["duplicates"]) == (202, 1)


async def test_odd_numbers_are_kept_as_they_are_and_rebuilt_the_same(
    caller: ApiCaller, pool: Pool, catalog: Catalog
) -> None:
    numbers = ["-0.0", "0.0", "-0", "1e16", "1E-7", "1e19", "9007199254740993", "9223372036854775807", "0.1", "1e300"]
    numbers += ["-9223372036854775808", "18446744073709551615", "5e-324", "123456789012345.67", "1.0", "true", "null"]
    events = [with_extra(number).replace("bad", f"n{place}") for place, number in enumerate(numbers)]
    response = await caller.post(f"[{','.join(events)}]", BATCH)
    assert (response.content["accepted"], response.content["quarantined"]) == (len(numbers), [])
    again = await caller.post(f"[{','.join(events)}]", BATCH)
    assert again.content["duplicates"] == len(numbers)
    for place, number in enumerate(numbers):
        kept = (await caller.get(f"entities/group/n{place}"))["data"]["extra"]
        assert kept == json.loads(number)
    assert (await verify(pool, catalog, caller.tenant, rebuild=True)).sound


async def test_unusual_texts_are_valid_keys(caller: ApiCaller, pool: Pool, catalog: Catalog) -> None:
    keys = ["é", "e\u0301", "😀", "a b", "%41", "%", "a/b", "..", "'; drop table facts; --", "\u202e", "\x7f", "\uffff"]
    keys += ["\x01", "\t", "\\", '"', "null", "0", "k" * 512, "😀" * 128]
    response = await caller.batch(*(group(key, id=f"i{place}") for place, key in enumerate(keys)))
    assert (response.content["accepted"], response.content["quarantined"]) == (len(keys), [])
    assert await caller.facts() == sorted(keys)
    assert (await verify(pool, catalog, caller.tenant, rebuild=True)).sound


async def test_binary_event_is_quarantined_as_one_object(caller: ApiCaller) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/groups", "ce-type": "GroupPainted.v1"}
    await caller.post('{"name": "x"}', "application/json", **headers)
    (kept,) = await caller.quarantine()
    attributes = {"specversion": "1.0", "id": "1", "source": "/groups", "type": "GroupPainted.v1"}
    assert json.loads(kept["raw"]) == {**attributes, "data": {"name": "x"}}
