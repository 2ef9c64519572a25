"""Replies of owners: which are final, which are retried and when, and that no reply can do harm."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import httpx2
import pytest

from errors import Contradicted, Gone, Outdated, Refused, Unavailable
from gateways.circuit_breaker import FAILURES
from gateways.owners import Owners
from tests.support.gateways import HandClock, Recording, send, send_once

PROBLEM = {"content-type": "application/problem+json; charset=utf-8"}


def problem(body: Any) -> httpx2.Response:
    return httpx2.Response(422, headers=PROBLEM, json=body)


async def refused(answer: httpx2.Response) -> str:
    with pytest.raises(Refused) as refusal:
        await send_once(Recording(answer))
    return str(refusal.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_status_is_success(status: int) -> None:
    await send_once(Recording(httpx2.Response(status)))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 405, 413, 422, 451, 499])
async def test_other_4xx_statuses_are_refused(status: int) -> None:
    with pytest.raises(Refused, match=f"^CreateChannel at channels refused with {status}: no$") as refusal:
        await send_once(Recording(httpx2.Response(status, text="no")))
    assert not isinstance(refusal.value, Contradicted)


@pytest.mark.parametrize(("status", "error"), [(404, Gone), (410, Gone), (412, Outdated), (409, Contradicted)])
async def test_contradictions_are_refusals_of_their_own(status: int, error: type[Contradicted]) -> None:
    with pytest.raises(Contradicted, match=f"^CreateChannel at channels refused with {status}: no such thing$") as e:
        await send_once(Recording(httpx2.Response(status, text="no such thing")))
    assert type(e.value) is error


@pytest.mark.parametrize("status", [101, 199, 408, 425, 429, 500, 501, 502, 503, 504, 599, 600, 999])
async def test_temporary_statuses_keep_the_owners_words(status: int) -> None:
    with pytest.raises(Unavailable, match=f"^CreateChannel at channels answered {status}$"):
        await send_once(Recording(httpx2.Response(status)))
    with pytest.raises(Unavailable, match=f"^CreateChannel at channels answered {status}: until noon$"):
        await send_once(Recording(httpx2.Response(status, headers=PROBLEM, json={"detail": "until noon"})))


async def test_open_circuit_repeats_the_owners_words() -> None:
    owner = Recording(httpx2.Response(503, text="until noon"))
    async with Owners({"channels": "http://owner"}, transport=owner.transport, clock=HandClock().clock) as owners:
        for _ in range(FAILURES):
            with pytest.raises(Unavailable):
                await send(owners)
        with pytest.raises(Unavailable, match="answered 503: until noon; next attempt in"):
            await send(owners)


@pytest.mark.parametrize("status", [200, 201, 204, 207, 299])
@pytest.mark.parametrize("body", [b"\xff\x00", b'{"detail": "it failed"}', b"<html>" * 20_000])
async def test_body_of_an_accepted_request_does_not_matter(status: int, body: bytes) -> None:
    await send_once(Recording(httpx2.Response(status, headers=PROBLEM, content=body)))


@pytest.mark.parametrize("status", [304, 399])
async def test_words_of_a_redirect_follow_the_mend(status: int) -> None:
    message = await refused(httpx2.Response(status, text="moved house"))
    assert message.endswith("set the owner's own address in TETHER_OWNERS: moved house")


class Broken(httpx2.AsyncByteStream):
    """A body that breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"no more"
        raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")


async def test_status_counts_though_its_body_breaks_off() -> None:
    await send_once(Recording(httpx2.Response(201, stream=Broken())))
    assert (await refused(httpx2.Response(422, stream=Broken()))).endswith("refused with 422: no more")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("999999999", 3600.0),
        ("9" * 5000, 3600.0),
        ("Sun, 01 Mar 2026 12:03:40 GMT", 30.0),
        ("Sunday, 01-Mar-26 12:04:10 GMT", 60.0),
        ("Sun Mar  1 12:03:20 2026", 10.0),
        ("Sun, 01 Mar 2099 12:00:00 GMT", 3600.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0),
        ("Sun, 01 Mar 99999 12:03:40 GMT", 1.0),
        ("Sun, 01 Mar 2026 12:03:40 +9999999999999", 1.0),
        ("-1", 1.0),
        ("1e3", 1.0),
        ("²", 1.0),
        ("soon", 1.0),
        ("", 1.0),
    ],
)
async def test_retry_after_is_read_as_seconds_or_date(given: str, seconds: float) -> None:
    headers = [(b"retry-after", given.encode("latin-1"))]
    with pytest.raises(Unavailable) as away:
        await send_once(Recording(httpx2.Response(503, headers=headers)), clock=HandClock().clock)
    assert away.value.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"title": "Too many", "detail": "no more than 3 channels"}, "no more than 3 channels"),
        ({"title": "Too many"}, "Too many"),
        ({"title": "Too many", "detail": " "}, "Too many"),
        ({"title": "Too many", "detail": {"of": "them"}}, "Too many"),
        ({"detail": "x" * 1000}, "x" * 300),
        ({"status": 422}, '{"status":422}'),
        (["detail"], '["detail"]'),
        ({"detail": "two\nlines \x00 \x1b[31m and \u202e a\u2028third"}, "two lines [31m and a third"),
    ],
)
async def test_reason_is_the_detail_or_title_of_a_problem_document(body: Any, reason: str) -> None:
    assert await refused(problem(body)) == f"CreateChannel at channels refused with 422: {reason}"


@pytest.mark.parametrize("content", [b"{", b"[" * 60_000, b'{"detail": "\\ud800"}', b"\xff"])
async def test_reason_of_a_malformed_problem_document_is_its_text(content: bytes) -> None:
    message = await refused(httpx2.Response(422, headers=PROBLEM, content=content))
    assert message.endswith(content.decode("utf-8", "replace")[:300])


async def test_reason_of_other_json_is_its_text() -> None:
    assert (await refused(httpx2.Response(422, json={"detail": "no"}))).endswith('{"detail":"no"}')


async def test_empty_reply_has_no_reason() -> None:
    assert await refused(httpx2.Response(400)) == "CreateChannel at channels refused with 400"


async def test_long_reason_is_truncated() -> None:
    assert len(await refused(httpx2.Response(400, text="x" * 100_000))) < 400


async def test_binary_reply_is_accepted() -> None:
    message = await refused(httpx2.Response(400, content=b"\xff\xfe\x00no"))
    assert "\x00" not in message
    assert message.endswith("no")


class Endless(httpx2.AsyncByteStream):
    """The body of a reply, without an end."""

    part: ClassVar[bytes] = b"x" * 10_000

    def __init__(self) -> None:
        self.sent = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += len(self.part)
            yield self.part

    async def aclose(self) -> None:
        self.closed = True


class Packed(httpx2.AsyncByteStream):
    """The body of a reply, sent as it is."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


@pytest.mark.parametrize("status", [201, 302, 400, 503])
async def test_only_the_beginning_of_an_endless_reply_is_read(status: int) -> None:
    stream = Endless()
    with contextlib.suppress(Refused, Unavailable):
        await asyncio.wait_for(send_once(Recording(httpx2.Response(status, stream=stream))), 60)
    assert stream.sent < 200_000
    assert stream.closed


@pytest.mark.parametrize("packing", ["gzip", "deflate", "GZIP"])
async def test_compressed_reply_is_not_decompressed(packing: str) -> None:
    stream = Packed(zlib.compress(b"x" * 10_000_000))
    message = await refused(httpx2.Response(400, headers={"content-encoding": packing}, stream=stream))
    assert message.endswith("refused with 400: (compressed)")
