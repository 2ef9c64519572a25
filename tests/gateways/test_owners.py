"""Commands to owners over HTTP: one request each, to the configured addresses and to no others."""

import httpx2
import orjson
import pytest

from catalog.vocabulary import Command
from contracts.channels import CreateChannel
from errors import Refused, TetherError, Unavailable
from gateways.owners import Owners
from tests.support.gateways import DeleteTeam, Recording, send, send_once


class Rename(Command, method="PATCH", path="/rooms/{room}/windows/{window}"):
    """Give a window another name."""

    room: str
    window: int
    name: str | None = None


class Open(Command, method="POST", path="/rooms/{room}"):
    """Open a room."""

    room: str | bool | float | None


class Seat(Command, method="POST", path="/seats/{row}{column}"):
    """Take a seat."""

    row: str
    column: str


class Ring(Command, method="PUT", path="/bells"):
    """Ring."""

    times: float = 1


async def test_command_is_one_request_with_its_headers() -> None:
    owner = Recording(httpx2.Response(201))
    await send_once(owner)
    (request,) = owner.requests
    assert (request.method, str(request.url)) == ("POST", "http://owner/base/channels")
    assert orjson.loads(request.content) == {"name": "Rowing"}
    assert request.headers["idempotency-key"].startswith("key")
    assert request.headers["correlation-id"] == "correlation"
    assert request.headers["causation-id"] == "group/%C3%A9%201"


async def test_fields_named_by_the_path_are_only_in_the_path() -> None:
    owner = Recording(httpx2.Response(204))
    await send_once(owner, Rename(room="hall", window=7))
    (request,) = owner.requests
    assert (request.method, request.url.raw_path) == ("PATCH", b"/base/rooms/hall/windows/7")
    assert orjson.loads(request.content) == {"name": None}


async def test_deletion_has_a_query_of_set_fields_and_no_body() -> None:
    owner = Recording(httpx2.Response(204))
    await send_once(owner, DeleteTeam(team_id="t1", still_in="a&b=c#d"))
    await send_once(owner, DeleteTeam(team_id="t1", places=0))
    await send_once(owner, DeleteTeam(team_id="t1"))
    paths = [request.url.raw_path for request in owner.requests]
    assert paths == [b"/base/teams/t1?still_in=a%26b%3Dc%23d", b"/base/teams/t1?places=0", b"/base/teams/t1"]
    assert [request.content for request in owner.requests] == [b"", b"", b""]
    assert not {"content-type", "content-length", "transfer-encoding"} & set(owner.requests[0].headers)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a/../b?c", b"a%2F..%2Fb%3Fc"),
        ("../secrets", b"..%2Fsecrets"),
        ("%2e%2e", b"%252e%252e"),
        ("...", b"..."),
        ("#x", b"%23x"),
        ("\\..\\", b"%5C..%5C"),
        ("é\r\nHost: evil", b"%C3%A9%0D%0AHost%3A%20evil"),
    ],
)
async def test_key_stays_one_segment_of_the_path(key: str, path: bytes) -> None:
    owner = Recording(httpx2.Response(204))
    await send_once(owner, DeleteTeam(team_id=key))
    assert owner.requests[0].url.raw_path == b"/base/teams/" + path


@pytest.mark.parametrize("key", ["", ".", "..", "\ud800"])
async def test_key_that_would_change_the_path_is_refused_unsent(key: str) -> None:
    owner = Recording(httpx2.Response(204))
    with pytest.raises(Refused, match="DeleteTeam: team_id is "):
        await send_once(owner, DeleteTeam(team_id=key))
    assert owner.requests == []


@pytest.mark.parametrize("room", [None, True, 1.5])
async def test_only_texts_and_integers_are_parts_of_a_path(room: bool | float | None) -> None:
    owner = Recording(httpx2.Response(204))
    with pytest.raises(Refused, match=r"Open: room is (None|True|1.5), which cannot be a part of the path /rooms/"):
        await send_once(owner, Open(room=room))
    assert owner.requests == []


async def test_keys_that_would_change_the_path_together_are_refused() -> None:
    owner = Recording(httpx2.Response(204))
    with pytest.raises(Refused, match=r"Seat: (row|column) is '\.'"):
        await send_once(owner, Seat(row=".", column="."))
    assert owner.requests == []


@pytest.mark.parametrize("command", [CreateChannel(name="\ud800"), Ring(times=float("nan"))])
async def test_request_that_cannot_be_built_is_refused_unsent(command: Command) -> None:
    owner = Recording(httpx2.Response(201))
    with pytest.raises(Refused, match="cannot be written as a request: "):
        await send_once(owner, command)
    assert owner.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["http://169.254.169.254/", "//evil/", "/elsewhere", "file:///etc/passwd"])
async def test_redirect_is_refused_and_not_followed(status: int, to: str) -> None:
    owner = Recording(httpx2.Response(status, headers={"location": to}))
    with pytest.raises(
        Refused, match=f"refused with {status}: redirects are not followed; set the owner's own address"
    ):
        await send_once(owner)
    assert [str(request.url) for request in owner.requests] == ["http://owner/base/channels"]


async def test_redirect_without_location_is_refused() -> None:
    with pytest.raises(TetherError):
        await send_once(Recording(httpx2.Response(302, headers={"location": "http://["})))


async def test_cookies_of_an_owner_are_not_sent_back() -> None:
    owner = Recording(httpx2.Response(201, headers={"set-cookie": "session=1; Path=/"}))
    async with Owners({"channels": "http://owner"}, transport=owner.transport) as owners:
        await send(owners)
        await send(owners)
    assert ["cookie" in request.headers for request in owner.requests] == [False, False]


async def test_owner_without_address_is_unavailable() -> None:
    async with Owners({}) as owners:
        with pytest.raises(Unavailable, match="no address of the owner 'channels'; set it in TETHER_OWNERS"):
            await send(owners)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("not-a-url", "begins with neither http:// nor https://"),
        ("", "begins with neither"),
        ("//owner/x", "begins with neither"),
        ("ftp://owner", "begins with neither"),
        ("file:///etc/passwd", "begins with neither"),
        ("http:///x", "names no host"),
        ("http:owner", "names no host"),
        ("http://owner:port", "is no URL"),
        ("http://owner\n", "is no URL"),
        ("http://owner:0", "has no port of 1 to 65535 but 0"),
        ("http://owner:65536", "has no port of 1 to 65535 but 65536"),
        ("http://an owner", "has blanks"),
        ("http://me:secret@owner", "has a user or a password"),
        ("http://me@owner", "has a user or a password"),
        ("http://owner\\@evil/", "has a user or a password"),
        ("http://me:sec/ret@owner", "is no URL"),
        ("http://owner?", "has a query or a fragment"),
        ("http://owner/x?secret=1", "has a query or a fragment"),
        ("http://owner/#x", "has a query or a fragment"),
    ],
)
async def test_bad_address_is_refused_at_start_and_not_shown(url: str, problem: str) -> None:
    with pytest.raises(Refused) as refusal:
        Owners({"groups": "http://groups", "channels": url})
    message = str(refusal.value)
    assert message.startswith(f"the address of the owner 'channels' {problem}")
    assert message.endswith("; set it in TETHER_OWNERS as http://host:port/path, or https")
    assert "sec" not in message


@pytest.mark.parametrize(
    ("url", "requested"),
    [
        ("http://owner", "http://owner/channels"),
        ("https://owner:8443/a/b/", "https://owner:8443/a/b/channels"),
        ("HTTP://Owner/", "http://owner/channels"),
        ("http://[::1]:8080", "http://[::1]:8080/channels"),
        ("http://owner/a/../b", "http://owner/b/channels"),
    ],
)
async def test_address_may_have_a_port_and_a_path(url: str, requested: str) -> None:
    owner = Recording(httpx2.Response(201))
    async with Owners({"channels": url}, transport=owner.transport) as owners:
        await send(owners)
    assert [str(request.url) for request in owner.requests] == [requested]
