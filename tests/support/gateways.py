"""Builds what tests of gateways need: owners with given answers, a clock that is set by hand, and requests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx2

from catalog.owner_request import OwnerRequest
from catalog.vocabulary import Command, ExpectedParent, Key
from contracts.channels import CreateChannel
from gateways.circuit_breaker import Clock
from gateways.owners import Owners

_NUMBERS = count()
Answer = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]
NOON = datetime(2026, 3, 1, 12, 3, 10, tzinfo=UTC)


class DeleteTeam(Command, method="DELETE", path="/teams/{team_id}"):
    """Delete a team if it is still in that event."""

    team_id: Key
    still_in: ExpectedParent = None
    places: int | None = None


class Recording:
    """Answers with ``answers`` in their order, with the last one from then on; keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._handle)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else answer(request)


class HandClock:
    """A clock that stands still until it is set forward."""

    def __init__(self) -> None:
        self.passed = 0.0

    def forward(self, seconds: float) -> None:
        self.passed += seconds

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.passed, now=lambda: NOON + timedelta(seconds=self.passed))


async def send(
    owners: Owners,
    owner: str = "channels",
    command: Command | None = None,
    *,
    slot_timeout: float = 0.0,
    one_of_many: bool = False,
) -> None:
    """Sends a command to an owner, by default a request for a channel."""
    request = OwnerRequest(
        tenant="main",
        owner=owner,
        command=command or CreateChannel(name="Rowing"),
        idempotency_key=f"key{next(_NUMBERS)}",
        correlation="correlation",
        causation="group/é 1",
    )
    await owners.send(request, slot_timeout=slot_timeout, one_of_many=one_of_many)


async def send_once(owner: Recording, command: Command | None = None, *, clock: Clock | None = None) -> None:
    """Sends one request with HTTP clients of its own."""
    async with Owners({"channels": "http://owner/base/"}, transport=owner.transport, clock=clock) as owners:
        await send(owners, command=command)
