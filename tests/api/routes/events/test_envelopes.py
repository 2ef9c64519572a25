"""An event that is no CloudEvent is refused with 400 if it is sent alone, and rejected beside its neighbours."""

import json
from typing import Any

import pytest

from tests.support.posting import BATCH, NDJSON, ApiCaller, group

BAD: list[tuple[Any, str]] = [
    (group(id=None), "id"),
    (group(id=""), "id"),
    (group(id=7), "id"),
    (group(source=None), "source"),
    (group(source=["/groups"]), "source"),
    (group(type=None), "type"),
    (group(type={}), "type"),
    (group(specversion=None), "specversion"),
    (group(specversion="0.3"), "specversion"),
    (group(specversion=1.0), "specversion"),
    (group(subject=""), "subject"),
    (group(subject=7), "subject"),
    (group(sequence=""), "sequence"),
    (group(sequence=1.5), "sequence"),
    (group(time="yesterday"), "time"),
    (group(time="2013-01-01"), "time"),
    (group(time="2013-02-30T00:00:00Z"), "time"),
    (group(time=1357000000), "time"),
    (group(correlationid=[]), "correlationid"),
    (group(traceparent=""), "traceparent"),
    (group(partitionkey={"a": 1}), "partitionkey"),
    (group() | {f"a{n}": n for n in range(60)}, "event"),
    ([], "event"),
    ("text", "event"),
    (None, "event"),
]
NAMES = [f"{field}-{number}" for number, (_, field) in enumerate(BAD)]


@pytest.mark.parametrize(("event", "field"), BAD, ids=NAMES)
async def test_bad_envelope_is_named_in_every_mode(caller: ApiCaller, event: Any, field: str) -> None:
    alone = await caller.post(json.dumps(event))
    assert (alone.status, alone.slug, alone.content["field"]) == (400, "malformed-event", field)
    assert field in alone.content["detail"]
    assert await caller.quarantine() == []
    for response, index in (
        (await caller.batch(group("g1"), event, group("g2")), 1),
        (await caller.lines(json.dumps(event).encode(), group("g3")), 0),
    ):
        (rejected,) = response.content["rejected"]
        assert (response.status, rejected["index"]) == (202, index)
        assert rejected["reason"].startswith(f"{field}: ")
    assert await caller.facts() == ["g1", "g2", "g3"]
    (kept,) = await caller.quarantine()
    assert (kept["reason"], kept["times"]) == (rejected["reason"], 2)


@pytest.mark.parametrize("text", ["", " ", "{", "[1", "tru", '{"id": "a",}', "\x00", '{"id": "\x01"}', "NaN", "{} {}"])
async def test_invalid_json_is_refused(caller: ApiCaller, text: str) -> None:
    response = await caller.post(text)
    assert (response.status, response.slug, response.content["field"]) == (400, "malformed-event", "event")
    response = await caller.post(text, BATCH)
    assert (response.status, response.slug, response.content["field"]) == (400, "malformed-event", "batch")


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff",
        b'{"id": "\xed\xa0\x80"}',
        json.dumps(group()).encode("utf-16-le"),
        json.dumps(group()).encode("utf-32-be"),
    ],
)
async def test_invalid_utf_8_is_refused(caller: ApiCaller, raw: bytes) -> None:
    assert (await caller.post(raw)).status == 400
    assert (await caller.post(raw, NDJSON)).content["rejected"][0]["index"] == 0


@pytest.mark.parametrize("between", [b"{", b'{"id": tru}', b"", b"nonsense", b'{"a": 01}', b"[1}", b'{"id": "x'])
async def test_invalid_json_in_a_batch_is_named_by_its_index(caller: ApiCaller, between: bytes) -> None:
    good = [json.dumps(group(key)).encode() for key in ("g1", "g2")]
    response = await caller.post(b"[%b,%b,%b]" % (good[0], between, good[1]), BATCH)
    (rejected,) = response.content["rejected"]
    assert (response.status, rejected["index"], rejected["id"]) == (202, 1, None)
    assert rejected["reason"].startswith("event: is no JSON: ")
    assert await caller.facts() == ["g1", "g2"]


@pytest.mark.parametrize(
    "content",
    [*("{}", '"[]"', "[", "[[]", '["', "[" * 5000, '["\\', "[] []", '[{"a": "]"}'), '[{"a": [1, {"b": 1}, {"c": 1}]'],
)
async def test_batch_must_be_a_json_array(caller: ApiCaller, content: str) -> None:
    response = await caller.post(content, BATCH)
    assert (response.status, response.content["field"], response.content["index"]) == (400, "batch", None)


async def test_empty_batch_is_accepted(caller: ApiCaller) -> None:
    response = await caller.batch()
    assert response.status == 202
    assert (response.content["accepted"], response.content["duplicates"], response.content["quarantined"]) == (0, 0, [])
    assert (await caller.post(b"", NDJSON)).content == response.content
    assert (await caller.post(b"\n \n\r\n", NDJSON)).content == response.content
