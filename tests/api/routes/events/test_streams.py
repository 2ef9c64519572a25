"""NDJSON streams of any length, and bodies beyond their limits."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable

import pytest

from tests.support.posting import BATCH, NDJSON, STRUCTURED, ApiCaller, group, ndjson


async def chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await asyncio.sleep(0)


def cut(content: bytes, size: int) -> Iterable[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def names(count: int) -> list[str]:
    return [f"g{number:05}" for number in range(count)]


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
async def test_a_stream_may_be_cut_anywhere(caller: ApiCaller, size: int) -> None:
    groups = [group(name, data={"name": "é😀" * 3}) for name in names(40)]
    content = "\n".join(json.dumps(event, ensure_ascii=False) for event in groups).encode()
    response = await caller.post(chunks(cut(content, size)), NDJSON)
    assert (response.status, response.content["accepted"]) == (202, 40)
    assert await caller.facts() == names(40)


async def test_stream_is_recorded_in_chunks_and_answered_once(caller: ApiCaller) -> None:
    lines = [group(name) for name in names(1_300)]
    lines[700] = group(names(701)[700], type="GroupPainted.v1")
    response = await caller.lines(*lines, *lines[:50])
    assert (response.content["accepted"], response.content["duplicates"]) == (1_299, 50)
    assert [q["index"] for q in response.content["quarantined"]] == [700]
    known = await caller.get("entities/group/g01299", at_least=response.content["token"], wait=0)
    assert known["state"] == "live"


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\r\n ", b"\r\n"])
async def test_blank_lines_and_missing_final_newline_are_accepted(caller: ApiCaller, end: bytes) -> None:
    first, second = (json.dumps(group(name)).encode() for name in ("a", "b"))
    response = await caller.post(b"\n\r\n" + first + b"\r\n \t\n" + second + end, NDJSON)
    assert (response.status, response.content["accepted"]) == (202, 2)


@pytest.mark.parametrize("place", [0, 3, 499, 500, 501, 1_199])
@pytest.mark.parametrize("bad", [b"{", b'{"specversion": "1.0"}'])
async def test_bad_line_in_any_chunk_harms_only_itself(caller: ApiCaller, place: int, bad: bytes) -> None:
    lines: list[bytes] = [json.dumps(group(name)).encode() for name in names(1_200)]
    lines[place] = bad
    response = await caller.lines(*lines)
    assert (response.status, response.content["accepted"], response.content["quarantined"]) == (202, 1_199, [])
    assert [one["index"] for one in response.content["rejected"]] == [place]
    assert (await caller.get("entities/group/g01198"))["state"] == "live"


async def test_endless_line_is_refused_after_recording_the_lines_before(caller: ApiCaller) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield ndjson([group("a"), group("b")])
        while True:
            sent += 1 << 20
            yield b"x" * (1 << 20)

    response = await caller.post(endless(), NDJSON)
    assert (response.status, response.slug, response.content["accepted"]) == (413, "too-large", 2)
    assert sent <= 34 << 20
    assert await caller.facts() == ["a", "b"]


async def test_strict_stream_stops_at_the_first_chunk_with_a_bad_fact(caller: ApiCaller) -> None:
    lines = [group(name) for name in names(1_200)]
    lines[600] = group("bad", type="GroupPainted.v1")
    response = await caller.lines(*lines, prefer="handling=strict")
    assert (response.status, response.slug, response.content["accepted"]) == (422, "contract-violation", 500)
    assert [error["index"] for error in response.content["errors"]] == [600]


@pytest.mark.parametrize("type", [STRUCTURED, BATCH])
async def test_too_large_body_is_refused_before_its_end(caller: ApiCaller, type: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b" " * (1 << 20)

    response = await caller.post(endless(), type)
    assert (response.status, response.slug) == (413, "too-large")
    assert sent <= 18 << 20


async def test_body_with_too_large_content_length_is_not_read(caller: ApiCaller) -> None:
    read = []

    async def never() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"{}"

    response = await caller.post(never(), content_length=str(1 << 40))
    assert (response.status, response.slug, response.headers["connection"]) == (413, "too-large", "close")
    assert read == []


async def test_batch_of_too_many_events_is_refused_with_a_remedy(caller: ApiCaller) -> None:
    events = [group(name) for name in names(5_001)]
    response = await caller.batch(*events)
    assert (response.status, response.slug) == (413, "too-large")
    assert NDJSON in response.content["detail"]
    assert await caller.facts() == []
    assert (await caller.batch(*events[:5_000])).content["accepted"] == 5_000
    assert (await caller.post(b"[" + b"{}," * 5_000 + b"{]", BATCH)).slug == "too-large"
