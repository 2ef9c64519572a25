"""Receivers of webhooks for tests: a fake wire that keeps the requests, and a fake resolver."""

from collections.abc import Callable, Mapping, Sequence

import httpx2

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="

Response = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


class Wire:
    """Answers with ``answers`` in their order, with the last one from then on; 200 if there are none."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers) or [lambda _: httpx2.Response(200)]
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._handle)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else answer(request)


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
