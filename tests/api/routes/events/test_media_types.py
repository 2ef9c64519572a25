"""Which content types and codings are taken, and what a 415 says; bytes before and around the JSON."""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from tests.support.posting import BATCH, NDJSON, STRUCTURED, ApiCaller, group, ndjson
from tests.support.serving import Served

MARK = b"\xef\xbb\xbf"
CE = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/groups", "ce-type": "GroupCreated.v1", "ce-subject": "g1"}


@pytest.mark.parametrize(
    "type",
    ["text/plain", "application/xml", "application/json", "multipart/form-data; boundary=x", "json", "", "/",
     "application/cloudevents+xml", "application/cloudevents-batch+avro", "application/vnd.x+json"],
)  # fmt: skip
async def test_another_content_type_is_refused(caller: ApiCaller, type: str) -> None:
    response = await caller.post(json.dumps(group()), type)
    assert (response.status, response.slug) == (415, "unsupported-media-type")
    assert STRUCTURED in response.content["detail"]
    accepted = response.headers["accept"].split(", ")
    assert {STRUCTURED, BATCH, NDJSON, "application/jsonl", "application/ndjson", "application/json"} <= set(accepted)
    assert response.headers["accept-encoding"] == "gzip, identity"


@pytest.mark.parametrize(
    "type",
    [
        f"{STRUCTURED}; charset=utf-8",
        "Application/CloudEvents+JSON",
        f" {STRUCTURED} ",
        f'{STRUCTURED};Charset="UTF-8"',
    ],
)
async def test_content_type_is_parsed_as_http_defines(caller: ApiCaller, type: str) -> None:
    assert (await caller.post(json.dumps(group()), type)).content["accepted"] == 1


@pytest.mark.parametrize("type", [f"{STRUCTURED}; charset=utf-16", 'application/json; Charset="ISO-8859-1"'])
async def test_charset_other_than_utf_8_is_refused(caller: ApiCaller, type: str) -> None:
    response = await caller.post(json.dumps(group()), type, **CE)
    assert (response.status, "charset" in response.content["detail"]) == (415, True)


@pytest.mark.parametrize(
    "type",
    ["application/json", "application/vnd.groups.v1+json", "application/ld+json; profile=\"a;b\"", "text/json",
     "APPLICATION/JSON; CHARSET=UTF-8", "application/json;charset=utf8", "model/gltf+json", None, ""],
)  # fmt: skip
async def test_data_of_every_json_type_is_taken_in_binary_mode(caller: ApiCaller, type: str | None) -> None:
    headers = CE if type is None else {**CE, "content-type": type}
    response = await caller.ask("POST", "/v1/events", headers=headers, content=b'{"name": "x"}')
    assert (response.status, response.content.get("accepted")) == (202, 1), response.content
    assert (await caller.get("entities/group/g1"))["data"] == {"name": "x"}


@pytest.mark.parametrize(
    "type", ["application/xml", "text/plain", "application/octet-stream", "application/x+yaml", "x"]
)
async def test_data_of_another_type_is_refused_in_binary_mode(caller: ApiCaller, type: str) -> None:
    response = await caller.post(b"<name>x</name>", type, **CE)
    assert (response.status, response.slug) == (415, "unsupported-media-type")
    assert "application/*+json" in response.headers["accept"]


@pytest.mark.parametrize("type", [None, "", "application/json", "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("body", [b"", b" \n"])
async def test_fact_without_data_has_an_empty_body(caller: ApiCaller, type: str | None, body: bytes) -> None:
    headers = {**CE, "ce-type": "GroupDeleted.v1"} | ({} if type is None else {"content-type": type})
    response = await caller.ask("POST", "/v1/events", headers=headers, content=body)
    assert (response.status, response.content.get("accepted")) == (202, 1), response.content
    assert (await caller.get("entities/group/g1"))["state"] == "deleted"


@pytest.mark.parametrize(
    "type", [NDJSON, "application/ndjson", "application/jsonl", "Application/JSONL; charset=utf-8"]
)
async def test_every_name_of_ndjson_is_a_stream(caller: ApiCaller, type: str) -> None:
    assert (await caller.post(ndjson([group("a"), group("b")]), type)).content["accepted"] == 2


@pytest.mark.parametrize(
    "more",
    [{"datacontenttype": "application/json"}, {"datacontenttype": "Application/vnd.x+JSON; charset=UTF-8"},
     {"datacontenttype": "text/json"}, {"datacontenttype": None}],
)  # fmt: skip
@pytest.mark.parametrize("encoded", [True, False])
async def test_json_data_is_taken_plain_and_as_base64(caller: ApiCaller, more: dict[str, Any], encoded: bool) -> None:
    event = {**group("g1", data=None), **more}
    data = {"name": "Zoë", "n": 1}
    if encoded:
        event["data_base64"] = base64.b64encode(json.dumps(data).encode()).decode()
    else:
        event["data"] = data
    assert (await caller.event(event)).content["accepted"] == 1
    assert (await caller.event(group("g1", data=data))).content["duplicates"] == 1
    assert (await caller.get("entities/group/g1"))["data"] == data


async def test_event_without_data_may_name_any_type_of_data(caller: ApiCaller) -> None:
    event = group("g1", type="GroupDeleted.v1", data=None, datacontenttype="application/xml")
    assert (await caller.event(event)).content["accepted"] == 1


async def test_byte_order_mark_is_skipped_in_every_mode(caller: ApiCaller) -> None:
    raw = json.dumps(group()).encode()
    for number, response in enumerate(
        [
            await caller.post(MARK + raw),
            await caller.post(MARK + b"[" + raw + b"]", BATCH),
            await caller.post(MARK + raw + b"\n", NDJSON),
            await caller.post(MARK + MARK + raw),
            await caller.post(
                MARK + b'{"name": "g1"}', "application/json", **{**CE, "ce-id": "g1-1", "ce-sequence": "1"}
            ),
        ]
    ):
        assert response.status == 202, response.content
        assert (response.content["accepted"], response.content["duplicates"]) == ((1, 0) if number == 0 else (0, 1))


async def test_byte_order_mark_before_any_line_of_a_stream_is_skipped(caller: ApiCaller) -> None:
    joined = b"".join(2 * MARK + json.dumps(group(key)).encode() + b"\r\n" + MARK + b"\n" for key in ("g1", "g2", "g3"))
    content = (await caller.post(joined + MARK + b"{" + b"\n" + MARK, NDJSON)).content
    assert (content["accepted"], [rejected["index"] for rejected in content["rejected"]]) == (3, [3])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("type", [STRUCTURED, BATCH, NDJSON, "application/json"])
async def test_body_in_utf_16_or_32_is_refused_as_a_whole_by_its_mark(
    caller: ApiCaller, encoding: str, type: str
) -> None:
    lines = "\ufeff" + "".join(json.dumps(group(key)) + "\r\n" for key in ("g1", "g2"))
    response = await caller.post(lines.encode(encoding), type, **(CE if type == "application/json" else {}))
    assert (response.status, response.slug) == (400, "malformed-event")
    assert response.content["detail"] == f"body: is {encoding[:6].upper()}: send UTF-8"
    assert await caller.quarantine() == []


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZip"])
async def test_gzip_is_taken_in_every_mode(caller: ApiCaller, coding: str) -> None:
    raw = json.dumps(group()).encode()
    for body, type in ((raw, STRUCTURED), (b"[%b]" % raw, BATCH), (raw, NDJSON)):
        response = await caller.post(gzip.compress(body), type, content_encoding=coding)
        assert (response.status, len(response.content["quarantined"])) == (202, 0), response.content
    assert await caller.facts() == ["g1"]


async def test_long_gzip_stream_is_recorded_whole(caller: ApiCaller) -> None:
    lines = ndjson(group(f"g{number:04}") for number in range(1_200))
    response = await caller.post(gzip.compress(lines), NDJSON, content_encoding="gzip")
    assert (response.status, response.content["accepted"]) == (202, 1_200)


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip"])
async def test_other_coding_is_refused_and_the_answer_names_those_taken(caller: ApiCaller, coding: str) -> None:
    response = await caller.post(zlib.compress(json.dumps(group()).encode()), content_encoding=coding)
    assert (response.status, response.slug) == (415, "unsupported-media-type")
    assert coding in response.content["detail"]
    assert response.headers["accept-encoding"] == "gzip, identity"
    assert (await caller.event(group(), content_encoding="Identity")).status == 202


@pytest.mark.parametrize("type", [STRUCTURED, BATCH, NDJSON, "application/json"])
async def test_gzip_that_does_not_say_so_is_refused(caller: ApiCaller, type: str) -> None:
    response = await caller.post(gzip.compress(json.dumps(group()).encode()), type, **CE)
    assert (response.status, response.content["field"]) == (400, "body")
    assert "Content-Encoding: gzip" in response.content["detail"]


@pytest.mark.parametrize("type", [STRUCTURED, BATCH, NDJSON])
async def test_broken_gzip_is_refused(caller: ApiCaller, type: str) -> None:
    good = gzip.compress(json.dumps(group()).encode())
    for bad in (good[:-3], b"{}", good + b"x"):
        response = await caller.post(bad, type, content_encoding="gzip")
        assert (response.status, response.slug, response.content["field"]) == (400, "malformed-event", "body")


@pytest.mark.parametrize("type", [STRUCTURED, BATCH, NDJSON])
async def test_gzip_that_expands_too_much_is_refused(caller: ApiCaller, type: str) -> None:
    response = await caller.post(gzip.compress(b"\n" * (50 << 20)), type, content_encoding="gzip")
    assert (response.status, response.slug) == (413, "too-large")


async def test_raw_utf_8_in_headers_is_kept_over_tcp(caller: ApiCaller, served: Served) -> None:
    connection = await served.connect()
    head = [
        "POST /v1/events HTTP/1.1", "Host: x", f"Authorization: Bearer {caller.keys['admin']}", "Content-Length: 13",
        "ce-specversion: 1.0", "ce-id: 1", "ce-source: /groups", "ce-type: GroupCreated.v1",
        "ce-subject: Zürich 東京 😀",
    ]  # fmt: skip
    await connection.send("\r\n".join(head).encode() + b'\r\n\r\n{"name": "x"}')
    status, _ = await connection.answer()
    connection.close()
    assert b"202" in status.split(b"\r\n")[0]
    assert await caller.facts() == ["Zürich 東京 😀"]
