"""Receivers of webhooks for tests: a fake wire that keeps the requests, and a fake resolver."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx2
import orjson

from tests.support.gateways import Answer, Recording

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="

ReceiverAnswer = Callable[[httpx2.Request, list[dict[str, Any]]], httpx2.Response | None]
"""Given a request and its events; None: 200."""


class Wire(Recording):
    """Answers with ``answers`` in their order, with the last one from then on; 200 if there are none."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(*(answers or [lambda _: httpx2.Response(200)]))


class Resolver:
    """Resolves ``names``; ``resolved``: those that it was given."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.names = names
        self.resolved: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.resolved.append(host)
        if host not in self.names:
            raise OSError(f"{host} is not known")
        return self.names[host]


class Receivers:
    """Receivers of webhooks by host. Each answers as ``answer[host]`` says, 200 if there is none, and consents to
    deliveries.

    ``messages``: (host, webhook-id, events) of each delivery, in the order of their arrival; ``accepted``: of those
    that were answered with 2xx, the events by host.
    """

    def __init__(self) -> None:
        self.answer: dict[str, ReceiverAnswer] = {}
        self.messages: list[tuple[str, str, list[dict[str, Any]]]] = []
        self.accepted: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[httpx2.Request] = []
        self.consents: list[str] = []
        self.transport = httpx2.MockTransport(self._handle)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Every name has a public address."""
        return ["93.184.216.34"]

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        host = request.headers["host"].partition(":")[0]
        if request.method == "OPTIONS":
            self.consents.append(host)
            return httpx2.Response(200, headers={"webhook-allowed-origin": "*"})
        events: list[dict[str, Any]] = orjson.loads(await request.aread())
        self.requests.append(request)
        self.messages.append((host, request.headers["webhook-id"], events))
        answer = self.answer[host](request, events) if host in self.answer else None
        if answer is None or answer.is_success:
            self.accepted.setdefault(host, []).extend(events)
        return answer or httpx2.Response(200)

    def subjects(self, host: str) -> list[str]:
        """Subjects of the events that a receiver has accepted, in the order of their arrival."""
        return [event["subject"] for event in self.accepted.get(host, [])]


def refusing(*subjects: str, status: int = 500, **headers: str) -> ReceiverAnswer:
    """Refuses messages with one of these subjects."""

    def answer(_: httpx2.Request, events: list[dict[str, Any]]) -> httpx2.Response | None:
        if {e["subject"] for e in events} & set(subjects):
            return httpx2.Response(status, text="does not fit", headers=headers)
        return None

    return answer
