"""What is no CloudEvent is refused with 400, by field and place; nothing of such a request is recorded."""

import json
from typing import Any

import pytest

from tests.support.posting import BATCH, NDJSON, STRUCTURED, Door, group

BAD: list[tuple[Any, str]] = [
    (group(id=None), "id"),
    (group(id=""), "id"),
    (group(id=7), "id"),
    (group(id="x" * 1025), "id"),
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
    (group(dataschema="x" * 1025), "dataschema"),
    (group() | {f"a{n}": n for n in range(60)}, "event"),
    ({**group(data=None), "data_base64": "eyJuYW1lIjoieCJ9"}, "data_base64"),
    ([], "event"),
    ("text", "event"),
    (None, "event"),
]
NAMES = [f"{field}-{number}" for number, (_, field) in enumerate(BAD)]


@pytest.mark.parametrize(("event", "field"), BAD, ids=NAMES)
async def test_a_bad_envelope_is_refused_in_every_form(door: Door, event: Any, field: str) -> None:
    for said, index in (
        (await door.post(json.dumps(event)), None),
        (await door.batch(group("g1"), event, group("g2")), 1),
        (await door.lines(json.dumps(event).encode(), group("g3")), 0),
    ):
        assert (said.status, said.slug) == (400, "malformed-event")
        assert (said.content["field"], said.content["index"]) == (field, index)
        assert field in said.content["detail"]
    assert await door.facts() == []
    assert await door.quarantine() == []


@pytest.mark.parametrize("text", ["", " ", "{", "[1", "tru", '{"id": "a",}', "\x00", '{"id": "\x01"}', "NaN", "{} {}"])
async def test_what_is_no_json_is_refused(door: Door, text: str) -> None:
    said = await door.post(text)
    assert (said.status, said.slug, said.content["field"]) == (400, "malformed-event", "event")
    said = await door.post(text, BATCH)
    assert (said.status, said.slug, said.content["field"]) == (400, "malformed-event", "batch")


@pytest.mark.parametrize(
    "raw", [b"\xff", b'{"id": "\xed\xa0\x80"}', json.dumps(group()).encode("utf-16"), b"\xef\xbb\xbf{}"]
)
async def test_what_is_no_utf_8_is_refused(door: Door, raw: bytes) -> None:
    assert (await door.post(raw)).status == 400
    assert (await door.post(raw, NDJSON)).status == 400


@pytest.mark.parametrize(
    ("between", "index"),
    [(b"{", 2), (b'{"id": tru}', 1), (b"", 1), (b"nonsense", 1), (b'{"a": 01}', 1), (b"[1}", 1)],
)
async def test_broken_json_in_a_batch_is_named_by_its_place(door: Door, between: bytes, index: int) -> None:
    good = [json.dumps(group(key)).encode() for key in ("g1", "g2")]
    said = await door.post(b"[%b,%b,%b]" % (good[0], between, good[1]), BATCH)
    assert (said.status, said.slug) == (400, "malformed-event")
    assert (said.content["index"], said.content["field"]) in ((index, "event"), (None, "batch"))
    assert await door.facts() == []


@pytest.mark.parametrize("content", ["{}", '"[]"', "[", "[[]", '["', "[" * 5000, '["\\', "[] []", '[{"a": "]"}'])
async def test_what_is_no_array_is_no_batch(door: Door, content: str) -> None:
    said = await door.post(content, BATCH)
    assert (said.status, said.content["field"], said.content["index"]) == (400, "batch", None)


async def test_a_batch_of_none_is_taken(door: Door) -> None:
    said = await door.batch()
    assert said.status == 202
    assert (said.content["accepted"], said.content["duplicates"], said.content["quarantined"]) == (0, 0, [])
    assert (await door.post(b"", NDJSON)).content == said.content
    assert (await door.post(b"\n \n\r\n", NDJSON)).content == said.content


@pytest.mark.parametrize(
    "type", ["text/plain", "application/xml", "application/json", "multipart/form-data; boundary=x", "json", "", "/"]
)
async def test_another_content_type_is_refused(door: Door, type: str) -> None:
    said = await door.post(json.dumps(group()), type)
    assert (said.status, said.slug) == (415, "unsupported-media-type")
    assert STRUCTURED in said.content["detail"]


@pytest.mark.parametrize("type", [f"{STRUCTURED}; charset=utf-8", "Application/CloudEvents+JSON", f" {STRUCTURED} "])
async def test_the_content_type_is_read_as_http_has_it(door: Door, type: str) -> None:
    assert (await door.post(json.dumps(group()), type)).content["accepted"] == 1


async def test_an_encoded_body_is_refused_unread(door: Door) -> None:
    said = await door.event(group(), content_encoding="gzip")
    assert (said.status, said.slug) == (415, "unsupported-media-type")
    assert "gzip" in said.content["detail"]
    assert (await door.event(group(), content_encoding="Identity")).status == 202
