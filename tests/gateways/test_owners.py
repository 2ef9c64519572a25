"""Owners are asked over HTTP: what is final, what may be tried again, and what a reply may not do to us."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, ClassVar

import httpx2
import orjson
import pytest

from contracts.channels import CreateChannel
from contracts.vocabulary import Command
from errors import Refused, Unavailable
from gateways.owners import AT_ONCE, Owners


class DeleteTeam(Command, method="DELETE", path="/teams/{team_id}"):
    """Delete a team if it is still in that event."""

    team_id: str
    event_id: str


class Recording:
    """An owner that answers as it is told to, and remembers what it was asked."""

    def __init__(self, answer: httpx2.Response | Callable[[httpx2.Request], httpx2.Response]) -> None:
        self.answer = answer
        self.requests: list[httpx2.Request] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        return self.answer if isinstance(self.answer, httpx2.Response) else self.answer(request)


async def ask(owner: Recording, command: Command | None = None, url: str = "http://owner/base/") -> None:
    async with Owners({"channels": url}, transport=httpx2.MockTransport(owner)) as owners:
        await owners.ask(
            "channels",
            command or CreateChannel(name="Rowing"),
            idempotency_key="key",
            correlation="correlation",
            causation="group/é 1",
        )


async def test_a_command_is_one_request_with_its_headers() -> None:
    owner = Recording(httpx2.Response(201))
    await ask(owner)
    (request,) = owner.requests
    assert (request.method, str(request.url)) == ("POST", "http://owner/base/channels")
    assert orjson.loads(request.content) == {"name": "Rowing"}
    assert request.headers["idempotency-key"] == "key"
    assert request.headers["correlation-id"] == "correlation"
    assert request.headers["causation-id"] == "group/%C3%A9%201"


async def test_fields_that_the_path_names_are_escaped_and_not_in_the_body() -> None:
    owner = Recording(httpx2.Response(204))
    await ask(owner, DeleteTeam(team_id="a/../b?c", event_id="e1"))
    (request,) = owner.requests
    assert request.url.raw_path == b"/base/teams/a%2F..%2Fb%3Fc"
    assert orjson.loads(request.content) == {"event_id": "e1"}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success_will_do(status: int) -> None:
    await ask(Recording(httpx2.Response(status)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 412, 413, 422, 451])
async def test_other_errors_of_ours_are_final(status: int) -> None:
    with pytest.raises(Refused, match=f"CreateChannel at channels refused with {status}: no"):
        await ask(Recording(httpx2.Response(status, text="no")))


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_may_be_tried_again(status: int) -> None:
    with pytest.raises(Unavailable, match=f"CreateChannel at channels answered {status}"):
        await ask(Recording(httpx2.Response(status)))


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("7", 7.0), ("999999999", 3600.0), ("-1", 1.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 1.0), ("²", 1.0), ("", 1.0)],
)
async def test_an_owner_says_when_to_come_again(given: str, seconds: float) -> None:
    headers = [(b"retry-after", given.encode("latin-1"))]
    with pytest.raises(Unavailable) as away:
        await ask(Recording(httpx2.Response(503, headers=headers)))
    assert away.value.retry_after == seconds


async def test_a_redirect_is_refused_and_not_followed() -> None:
    owner = Recording(httpx2.Response(307, headers={"location": "http://169.254.169.254/"}))
    with pytest.raises(Refused, match="refused with 307"):
        await ask(owner)
    assert [str(request.url) for request in owner.requests] == ["http://owner/base/channels"]


class Endless(httpx2.AsyncByteStream):
    """A reply that has no end."""

    part: ClassVar[bytes] = b"x" * 10_000

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += len(self.part)
            yield self.part


class Packed(httpx2.AsyncByteStream):
    """A reply as it is on the wire."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


@pytest.mark.parametrize("status", [201, 400])
async def test_a_reply_without_end_is_not_read_to_its_end(status: int) -> None:
    stream = Endless()
    with contextlib.suppress(Refused):
        await asyncio.wait_for(ask(Recording(httpx2.Response(status, stream=stream))), 10)
    assert stream.sent < 200_000


async def test_a_small_reply_does_not_become_a_great_one() -> None:
    headers = {"content-encoding": "gzip"}
    with pytest.raises(Refused) as refusal:
        await ask(Recording(httpx2.Response(400, headers=headers, stream=Packed(zlib.compress(b"x" * 10_000_000)))))
    assert "xxx" not in str(refusal.value)


async def test_a_slow_owner_does_not_keep_others_from_being_asked() -> None:
    release = asyncio.Event()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "slow":
            await release.wait()
        return httpx2.Response(201)

    urls = {"slow": "http://slow", "quick": "http://quick"}
    async with Owners(urls, transport=httpx2.MockTransport(answer)) as owners:

        async def one(owner: str) -> None:
            command = CreateChannel(name="x")
            await owners.ask(owner, command, idempotency_key="k", correlation="c", causation=None)

        waiting = [asyncio.create_task(one("slow")) for _ in range(AT_ONCE)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match=f"CreateChannel at slow: {AT_ONCE} requests are under way"):
            await one("slow")
        await one("quick")
        release.set()
        await asyncio.gather(*waiting)
        await one("slow")


async def test_a_reply_that_is_no_text_is_no_trouble() -> None:
    with pytest.raises(Refused):
        await ask(Recording(httpx2.Response(400, content=b"\xff\xfe\x00")))


async def test_an_owner_without_an_address_may_be_given_one_later() -> None:
    async with Owners({}) as owners:
        with pytest.raises(Unavailable, match="no address of the owner 'channels'; set it in TETHER_OWNERS"):
            await owners.ask("channels", CreateChannel(name="x"), idempotency_key="k", correlation="c", causation=None)


def _raising(error: Exception) -> Callable[[httpx2.Request], httpx2.Response]:
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError, httpx2.ReadError, httpx2.ReadTimeout, httpx2.RemoteProtocolError]
)
async def test_a_lost_connection_may_be_tried_again(error: type[httpx2.HTTPError]) -> None:
    with pytest.raises(Unavailable, match=f"CreateChannel at channels: {error.__name__}: lost"):
        await ask(Recording(_raising(error("lost"))))


@pytest.mark.parametrize(("url", "error"), [("not-a-url", "UnsupportedProtocol"), ("http://owner:port", "InvalidURL")])
async def test_an_address_that_is_none_is_unavailable_and_named(url: str, error: str) -> None:
    with pytest.raises(Unavailable, match=error):
        async with Owners({"channels": url}) as owners:
            await owners.ask("channels", CreateChannel(name="x"), idempotency_key="k", correlation="c", causation=None)


async def _served(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]], seconds: float
) -> None:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Owners({"channels": f"http://127.0.0.1:{port}"}, timeout=seconds) as owners:
        await owners.ask("channels", CreateChannel(name="x"), idempotency_key="k", correlation="c", causation=None)


async def test_an_owner_that_never_answers_is_left_after_the_time_limit() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    with pytest.raises(Unavailable):
        await asyncio.wait_for(_served(silent, 0.1), 10)


async def test_an_owner_that_trickles_is_left_after_the_time_limit() -> None:
    async def trickling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass

    with pytest.raises(Unavailable):
        await asyncio.wait_for(_served(trickling, 0.3), 10)
