"""JSON is parsed as RFC 8259 defines it: invalid JSON is refused, valid JSON accepted."""

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
MUST_TAKE = [
    "[]", "[ ]", "[null, 1, \"1\", {}]", "1", "0", "-0", "-1", "0e1", "0E+2", "1.5e-3", "123e12", "[1]\n", "\t[1] ",
    '"\\u0060\\u012a\\u12AB"', '"\\uD801\\udc37"', '"\\ud83d\\ude39"', '"\\\\n"', '"\\""', '"\\/"', '"\\b\\f\\n\\r\\t"',
    '"\u2028\u2029"', '"\u007f"', '"\U0010ffff"', '"\\uFFFE"', '"a/*b*/c"', '""', "true", "false", "null", '{"": 0}',
    '{"a": 1, "a": 2}', '{"a": [{"b": [{}]}]}', '{"title": "\u041f\u043e"}', "[[[[]]]]", '"\\u0022"', '"\u00e9"',
]  # fmt: skip


def around(text: str) -> bytes:
    """An event that is good, if this text is good JSON."""
    event = json.dumps(group("g", data={"name": "x", "extra": "@"}))
    return event.replace('"@"', text).replace("\n", " ").encode()


@pytest.mark.parametrize("text", MUST_REFUSE)
async def test_invalid_json_is_refused_in_every_mode(caller: ApiCaller, text: str) -> None:
    raw = around(text) if text != '["a\nb"]' else json.dumps(group()).encode().replace(b"g1", b"g\x0b")
    assert (await caller.post(raw)).slug == "malformed-event"
    assert (await caller.post(b"[" + raw + b"]", BATCH)).slug == "malformed-event"
    assert (await caller.post(raw, NDJSON)).slug == "malformed-event"
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/groups", "ce-type": "GroupCreated.v1"}
    response = await caller.post(text.encode(), "application/json", **headers)
    assert (response.slug, response.content["field"]) == ("malformed-event", "data")
    assert await caller.facts() == []
    assert await caller.quarantine() == []


@pytest.mark.parametrize("text", MUST_TAKE)
async def test_valid_json_is_the_same_fact_in_every_mode(caller: ApiCaller, text: str) -> None:
    raw = around(text)
    response = await caller.post(raw, STRUCTURED)
    assert (response.status, response.content["accepted"]) == (202, 1)
    assert (await caller.post(b" [ " + raw + b" ] ", BATCH)).content["duplicates"] == 1
    assert (await caller.post(raw, NDJSON)).content["duplicates"] == 1
    assert (await caller.get("entities/group/g"))["data"]["extra"] == json.loads(text)
