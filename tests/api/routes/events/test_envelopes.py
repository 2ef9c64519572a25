"""Bad envelopes are refused with 400, field and index; no event of such a request is recorded."""

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
async def test_bad_envelope_is_refused_in_every_mode(caller: ApiCaller, event: Any, field: str) -> None:
    for response, index in (
        (await caller.post(json.dumps(event)), None),
        (await caller.batch(group("g1"), event, group("g2")), 1),
        (await caller.lines(json.dumps(event).encode(), group("g3")), 0),
    ):
        assert (response.status, response.slug) == (400, "malformed-event")
        assert (response.content["field"], response.content["index"]) == (field, index)
        assert field in response.content["detail"]
    assert await caller.facts() == []
    assert await caller.quarantine() == []


@pytest.mark.parametrize("text", ["", " ", "{", "[1", "tru", '{"id": "a",}', "\x00", '{"id": "\x01"}', "NaN", "{} {}"])
async def test_invalid_json_is_refused(caller: ApiCaller, text: str) -> None:
    response = await caller.post(text)
    assert (response.status, response.slug, response.content["field"]) == (400, "malformed-event", "event")
    response = await caller.post(text, BATCH)
    assert (response.status, response.slug, response.content["field"]) == (400, "malformed-event", "batch")


@pytest.mark.parametrize(
    "raw",
    [b"\xff", b'{"id": "\xed\xa0\x80"}', json.dumps(group()).encode("utf-16"), json.dumps(group()).encode("utf-32")],
)
async def test_invalid_utf_8_is_refused(caller: ApiCaller, raw: bytes) -> None:
    assert (await caller.post(raw)).status == 400
    assert (await caller.post(raw, NDJSON)).status == 400


@pytest.mark.parametrize(
    ("between", "index"),
    [(b"{", 2), (b'{"id": tru}', 1), (b"", 1), (b"nonsense", 1), (b'{"a": 01}', 1), (b"[1}", 1)],
)
async def test_invalid_json_in_a_batch_is_named_by_its_index(caller: ApiCaller, between: bytes, index: int) -> None:
    good = [json.dumps(group(key)).encode() for key in ("g1", "g2")]
    response = await caller.post(b"[%b,%b,%b]" % (good[0], between, good[1]), BATCH)
    assert (response.status, response.slug) == (400, "malformed-event")
    assert (response.content["index"], response.content["field"]) in ((index, "event"), (None, "batch"))
    assert await caller.facts() == []


@pytest.mark.parametrize("content", ["{}", '"[]"', "[", "[[]", '["', "[" * 5000, '["\\', "[] []", '[{"a": "]"}'])
async def test_batch_must_be_a_json_array(caller: ApiCaller, content: str) -> None:
    response = await caller.post(content, BATCH)
    assert (response.status, response.content["field"], response.content["index"]) == (400, "batch", None)


async def test_empty_batch_is_accepted(caller: ApiCaller) -> None:
    response = await caller.batch()
    assert response.status == 202
    assert (response.content["accepted"], response.content["duplicates"], response.content["quarantined"]) == (0, 0, [])
    assert (await caller.post(b"", NDJSON)).content == response.content
    assert (await caller.post(b"\n \n\r\n", NDJSON)).content == response.content
