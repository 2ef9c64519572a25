"""JSON is parsed as RFC 8259 defines it: invalid JSON is refused or rejected, valid JSON accepted."""

import json

import pytest

from tests.support.posting import BATCH, NDJSON, STRUCTURED, ApiCaller, group

MUST_REFUSE = [
    "[1 true]", "[a\u00e5]", '["": 1]', "[,1]", "[1,,2]", '["x",,]', "[3[4]]", "[1:2]", "[\u00ff]", "[-]",
    "[+1]", "[.5]", "[-.1]", "[0.e1]", "[1.]", "[2.e3]", "[1e]", "[1e+]", "[0x1]", "[Infinity]", "[-Infinity]",
    "[NaN]", "[-01]", "[1_000]", "[1 000]", "[\uff11]", "['x']", '["\\x00"]', '["\\u00A"]', '["\\ud80"]', '["\\"]',
    '["a\tb"]', '["a\nb"]', '{"a" b}', "{a: 1}", "{1: 1}", '{"a": 1,}', '{"a": 1} # x', '{"a"', "nul", "True",
    "/* */ {}", "[1]x", "\u2060[1]", "<.>", "[\x0c1]",
]  # fmt: skip
MUST_QUARANTINE = [
    '{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]', "12345678901234567.25", "[1e400]", "-1e-400",
    "18446744073709551616", '{"n": -9223372036854775809}', "0.12345678901234567890123",
]  # fmt: skip
MUST_TAKE = [
    "[]", "[ ]", "[null, 1, \"1\", {}]", "1", "0", "-0", "-1", "0e1", "0E+2", "1.5e-3", "123e12", "[1]\n", "\t[1] ",
    '"\\u0060\\u012a\\u12AB"', '"\\uD801\\udc37"', '"\\ud83d\\ude39"', '"\\\\n"', '"\\""', '"\\/"', '"\\b\\f\\n\\r\\t"',
    '"\u2028\u2029"', '"\u007f"', '"\U0010ffff"', '"\\uFFFE"', '"a/*b*/c"', '""', "true", "false", "null", '{"": 0}',
    '{"a": [{"b": [{}]}]}', '{"title": "\u041f\u043e"}', "[[[[]]]]", '"\\u0022"', '"\u00e9"',
]  # fmt: skip


def around(text: str) -> bytes:
    """An event that is good, if this text is good JSON."""
    event = json.dumps(group("g", data={"name": "x", "extra": "@"}))
    return event.replace('"@"', text).replace("\n", " ").encode()


@pytest.mark.parametrize("text", MUST_REFUSE)
async def test_invalid_json_is_refused_in_every_mode(caller: ApiCaller, text: str) -> None:
    raw = around(text) if text != '["a\nb"]' else json.dumps(group()).encode().replace(b"g1", b"g\x0b")
    assert (await caller.post(raw)).slug == "malformed-event"
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/groups", "ce-type": "GroupCreated.v1"}
    response = await caller.post(text.encode(), "application/json", **headers)
    assert (response.slug, response.content["field"]) == ("malformed-event", "data")
    assert await caller.quarantine() == []
    batch, stream = await caller.post(b"[" + raw + b"]", BATCH), await caller.post(raw, NDJSON)
    for several in (stream,) if batch.status == 400 else (batch, stream):
        (rejected,) = several.content["rejected"]
        assert rejected["reason"].startswith("event: is no ")
    assert await caller.facts() == []


@pytest.mark.parametrize("text", MUST_TAKE)
async def test_valid_json_is_the_same_fact_in_every_mode(caller: ApiCaller, text: str) -> None:
    raw = around(text)
    response = await caller.post(raw, STRUCTURED)
    assert (response.status, response.content["accepted"]) == (202, 1)
    assert (await caller.post(b" [ " + raw + b" ] ", BATCH)).content["duplicates"] == 1
    assert (await caller.post(raw, NDJSON)).content["duplicates"] == 1
    assert (await caller.get("entities/group/g"))["data"]["extra"] == json.loads(text)


@pytest.mark.parametrize("text", MUST_QUARANTINE)
async def test_json_that_would_change_is_quarantined_in_every_mode(caller: ApiCaller, text: str) -> None:
    raw = around(text)
    good = json.dumps(group("good")).encode()
    headers = {"ce-specversion": "1.0", "ce-id": "g-1", "ce-source": "/groups", "ce-type": "GroupCreated.v1"}
    data = b'{"name": "x", "extra": %b}' % text.encode()
    responses = [
        await caller.post(raw),
        await caller.post(b"[%b,%b]" % (good, raw), BATCH),
        await caller.post(b"%b\n%b" % (good, raw), NDJSON),
        await caller.post(data, "application/json", **headers, **{"ce-subject": "g"}),
    ]
    for response, index in zip(responses, (0, 1, 1, 0), strict=True):
        assert response.status == 202, response.content
        (kept,) = response.content["quarantined"]
        assert kept["index"] == index
        assert "two members named" in kept["reason"] or "cannot be kept exactly" in kept["reason"]
    assert await caller.facts() == ["good"]


async def test_name_given_twice_in_an_envelope_is_quarantined(caller: ApiCaller) -> None:
    raw = json.dumps(group("g")).replace('"subject": "g"', '"subject": "g", "subject": "h"').encode()
    for response in (await caller.post(raw), await caller.post(b"[%b]" % raw, BATCH), await caller.post(raw, NDJSON)):
        (kept,) = response.content["quarantined"]
        assert kept["reason"] == "an object has two members named 'subject'"


@pytest.mark.parametrize(("end", "places"), [(b",]", [1]), (b"]]", [0]), (b",,{}]", [1, 2])])
async def test_array_with_a_bracket_or_comma_too_many_names_the_element(
    caller: ApiCaller, end: bytes, places: list[int]
) -> None:
    response = await caller.post(b"[" + json.dumps(group()).encode() + end, BATCH)
    assert (response.status, [one["index"] for one in response.content["rejected"]]) == (202, places)
    assert await caller.facts() == (["g1"] if places[0] else [])


@pytest.mark.parametrize("end", [b"}", b"", b"]\x0c"])
async def test_array_that_does_not_end_properly_is_refused(caller: ApiCaller, end: bytes) -> None:
    response = await caller.post(b"[" + json.dumps(group()).encode() + end, BATCH)
    assert (response.status, response.slug, response.content["field"]) == (400, "malformed-event", "batch")
    assert await caller.facts() == []
