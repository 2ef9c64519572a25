"""Unavailable and slow owners: which requests fail at once, which wait, and that other owners are not affected."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from errors import Busy, Refused, Unavailable, Unsent
from gateways.circuit_breaker import FAILURES
from gateways.owner import OF_MANY
from gateways.owners import AT_ONCE, Owners
from tests.support.gateways import DeleteTeam, HandClock, Recording, send

URLS = {"channels": "http://channels", "groups": "http://groups"}


async def fail(owners: Owners, times: int = FAILURES) -> Unavailable:
    """Sends requests that all fail as unavailable; returns the last error."""
    for _ in range(times):
        with pytest.raises(Unavailable) as away:
            await send(owners)
    return away.value


@pytest.mark.parametrize(
    "error", [httpx2.ConnectError, httpx2.ReadError, httpx2.ReadTimeout, httpx2.RemoteProtocolError]
)
async def test_lost_connection_is_unavailable(error: type[httpx2.HTTPError]) -> None:
    owner = Recording(error("lost"))
    async with Owners(URLS, transport=owner.transport) as owners:
        with pytest.raises(Unavailable, match=f"^CreateChannel at channels: {error.__name__}: lost$"):
            await send(owners)
    assert len(owner.requests) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx2.ConnectError("gone"), "ConnectError: gone"),
        (httpx2.ReadTimeout(""), "ReadTimeout"),
        (httpx2.Response(500), "answered 500"),
        (httpx2.Response(503, headers={"retry-after": "1"}), "answered 503"),
        (httpx2.Response(429, headers={"retry-after": "1"}), "answered 429"),
        (httpx2.Response(429), "answered 429"),
    ],
)
async def test_open_circuit_sends_no_request_until_its_pause_ends(
    answer: httpx2.Response | Exception, why: str
) -> None:
    owner, time = Recording(answer), HandClock()
    async with Owners(URLS, transport=owner.transport, clock=time.clock) as owners:
        await fail(owners)
        away = await fail(owners, 3)
        assert str(away) == f"channels is unavailable since 12:03:10 UTC: {why}; next attempt in 1 s"
        assert away.retry_after == 1.0
        assert len(owner.requests) == FAILURES
        time.forward(1)
        await fail(owners, 3)
        assert len(owner.requests) == FAILURES + 1
        time.forward(2)
        owner.answers = [httpx2.Response(201)]
        await send(owners)
        await send(owners)
        assert len(owner.requests) == FAILURES + 3


@pytest.mark.parametrize("status", [400, 404, 408, 409, 425, 302])
async def test_refusals_do_not_open_the_circuit(status: int) -> None:
    time = HandClock()
    owner = Recording(*[httpx2.ConnectError("gone")] * FAILURES, httpx2.Response(status), httpx2.Response(201))
    async with Owners(URLS, transport=owner.transport, clock=time.clock) as owners:
        await fail(owners)
        time.forward(1)
        with pytest.raises((Refused, Unavailable), match=str(status)):
            await send(owners)
        await send(owners)


async def test_open_circuit_respects_retry_after() -> None:
    time = HandClock()
    owner = Recording(httpx2.Response(503, headers={"retry-after": "Sun, 01 Mar 2026 12:04:10 GMT"}))
    async with Owners(URLS, transport=owner.transport, clock=time.clock) as owners:
        assert (await fail(owners)).retry_after == 60
        time.forward(59.5)
        assert (await fail(owners, 1)).retry_after == 0.5
        assert len(owner.requests) == FAILURES


async def test_command_that_cannot_be_built_does_not_reset_the_circuit() -> None:
    time = HandClock()
    owner = Recording(*[httpx2.ConnectError("gone")] * FAILURES, httpx2.Response(201))
    async with Owners(URLS, transport=owner.transport, clock=time.clock) as owners:
        await fail(owners, FAILURES - 1)
        with pytest.raises(Refused):
            await send(owners, command=DeleteTeam(team_id=".."))
        await fail(owners, 1)
        assert "is unavailable" in str(await fail(owners, 1))


async def test_circuit_of_one_owner_does_not_affect_another() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(503 if request.url.host == "channels" else 201)

    async with Owners(URLS, transport=Recording(answer).transport, clock=HandClock().clock) as owners:
        await fail(owners, FAILURES + 1)
        await send(owners, "groups")


class Slow:
    """Owners of which ``channels`` answers no request until ``release`` is set, and ``groups`` answers at once."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.started = asyncio.Semaphore(0)
        self.received = 0
        self.answer: httpx2.Response | Exception = httpx2.Response(201)
        self.failing = 0
        """Number of the next requests that fail at once."""
        self.transport = httpx2.MockTransport(self._handle)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "channels":
            self.received += 1
            if self.failing:
                self.failing -= 1
                raise httpx2.ConnectError("gone")
            self.started.release()
            await self.release.wait()
            if isinstance(self.answer, Exception):
                raise self.answer
        return httpx2.Response(201)

    @asynccontextmanager
    async def held(self, owners: Owners, requests: int) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Keeps this many requests under way within the block."""
        tasks = [asyncio.create_task(send(owners)) for _ in range(requests)]
        for _ in tasks:
            await self.started.acquire()
        try:
            yield tasks
        finally:
            self.release.set()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_request_without_slot_is_busy_and_other_owners_are_not() -> None:
    slow = Slow()
    async with Owners(URLS, transport=slow.transport) as owners:
        async with slow.held(owners, AT_ONCE):
            with pytest.raises(Unavailable, match=f"CreateChannel at channels: {AT_ONCE} requests are under way"):
                await send(owners)
            await send(owners, "groups")
        await send(owners)
    assert slow.received == AT_ONCE + 1


async def test_waiting_request_gets_the_next_free_slot() -> None:
    slow = Slow()
    async with Owners(URLS, transport=slow.transport) as owners:
        async with slow.held(owners, AT_ONCE):
            waiting = [asyncio.create_task(send(owners, slot_timeout=math.inf)) for _ in range(2 * AT_ONCE)]
            await asyncio.sleep(0)
            assert slow.received == AT_ONCE
        await asyncio.gather(*waiting)
    assert slow.received == 3 * AT_ONCE


async def test_request_that_waited_in_vain_for_a_slot_is_busy() -> None:
    slow = Slow()
    async with Owners(URLS, transport=slow.transport) as owners, slow.held(owners, AT_ONCE):
        with pytest.raises(Busy, match=f"CreateChannel at channels: {AT_ONCE} requests are under way"):
            await send(owners, slot_timeout=0.01)


async def test_sweeps_leave_slots_to_single_requests() -> None:
    slow = Slow()
    async with Owners(URLS, transport=slow.transport) as owners:
        many = [asyncio.create_task(send(owners, slot_timeout=math.inf, one_of_many=True)) for _ in range(4 * AT_ONCE)]
        for _ in range(int(AT_ONCE * OF_MANY)):
            await slow.started.acquire()
        alone = [asyncio.create_task(send(owners)) for _ in range(AT_ONCE - slow.received)]
        for _ in alone:
            await asyncio.wait_for(slow.started.acquire(), 60)
        assert slow.received == AT_ONCE
        slow.release.set()
        await asyncio.gather(*many, *alone)
    assert slow.received == len(many) + len(alone)


async def test_request_that_got_a_slot_too_late_respects_open_circuit() -> None:
    slow = Slow()
    slow.answer = httpx2.ConnectError("gone")
    async with Owners(URLS, transport=slow.transport, clock=HandClock().clock) as owners:
        async with slow.held(owners, AT_ONCE):
            waiting = [asyncio.create_task(send(owners, slot_timeout=math.inf)) for _ in range(AT_ONCE)]
            await asyncio.sleep(0)
        errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in errors} == {Unsent}
    assert AT_ONCE <= slow.received < AT_ONCE + FAILURES


async def test_cancelled_request_frees_its_slot() -> None:
    slow = Slow()
    async with Owners(URLS, transport=slow.transport) as owners:
        async with slow.held(owners, AT_ONCE) as tasks:
            tasks[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]
            another = asyncio.create_task(send(owners))
            await asyncio.wait_for(slow.started.acquire(), 60)
        await another


async def test_cancelled_probe_lets_another_request_probe() -> None:
    slow, time = Slow(), HandClock()
    slow.answer = httpx2.ConnectError("gone")
    async with Owners(URLS, transport=slow.transport, clock=time.clock) as owners:
        async with slow.held(owners, FAILURES):
            pass
        slow.release.clear()
        slow.answer = httpx2.Response(201)
        time.forward(1)
        async with slow.held(owners, 1) as (probe,):
            assert str(await fail(owners, 1)).endswith("; an attempt is under way")
            probe.cancel()
            with pytest.raises(asyncio.CancelledError):
                await probe
        await send(owners)
    assert slow.received == FAILURES + 2


async def test_open_circuit_refuses_before_waiting_for_a_slot() -> None:
    slow, time = Slow(), HandClock()
    async with Owners(URLS, transport=slow.transport, clock=time.clock) as owners, slow.held(owners, AT_ONCE - 1):
        slow.failing = FAILURES
        await fail(owners)
        time.forward(1)
        async with slow.held(owners, 1):
            with pytest.raises(Unavailable, match="an attempt is under way"):
                await asyncio.wait_for(send(owners, slot_timeout=math.inf), 60)
