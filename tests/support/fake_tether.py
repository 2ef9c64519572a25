"""A fake of Tether's API for tests of the command line: facts in memory, and configured responses."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import orjson
import uvicorn

LISTS = ("quarantined", "rejected", "warnings")
Scope = dict[str, Any]
Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]


class FakeFeedPage(NamedTuple):
    """A page of the feed: items, and the offset that its header field names."""

    items: list[dict[str, Any]]
    offset: str
    complete: bool = True


class FakeTether:
    """An ASGI application. Facts of a type that starts with ``Unknown`` are quarantined, ``Odd`` gives a warning."""

    def __init__(self) -> None:
        self.facts: dict[str, bytes] = {}
        """By id, in the order of arrival."""
        self.paths: set[str] = set()
        """To which facts were posted."""
        self.batches: list[int] = []
        """Lines in each request that was answered with 202."""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path with query, headers and body of everything but imports."""
        self.away: list[tuple[int, str]] = []
        """Error responses to give first: status and Retry-After."""
        self.answers: dict[str, tuple[int, Any]] = {}
        """By "METHOD /path": status and JSON."""
        self.sequences: dict[str, list[tuple[int, Any]]] = {}
        """The same, as sequences of responses; they take precedence."""
        self.merges: dict[str, tuple[str, ...]] = {}
        """By id: survivor and losers. A loser whose key begins with ``kept`` must never be merged."""
        self.hold_at: int | None = None
        """Suspends imports once this many facts are known, until ``release``."""
        self.parse = True
        """Whether to parse facts. Off, the fake takes hardly any time."""
        self.forgetful = False
        """Omits one line from the counts of every response."""
        self.busy = 0
        """Number of imports without a response yet."""
        self.reached = threading.Event()
        self._released = threading.Event()

    def release(self) -> None:
        """Resumes suspended imports."""
        self.hold_at = None
        self._released.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        body, more = b"", True
        parts = []
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(parts)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if self.away:
            status, retry_after = self.away.pop(0)
            await _answer(send, status, _problem("unavailable", "PostgreSQL is away"), retry_after)
        elif headers.get("content-type") == "application/x-ndjson":
            self.busy += 1
            self.paths.add(scope["path"])
            try:
                await self._import(body, send)
            finally:
                self.busy -= 1
        elif scope["path"].endswith(("/merges/batch", "/merges/batch/plan")) and "/person/" in scope["path"]:
            await self._merge(orjson.loads(body)["merges"], send, plan=scope["path"].endswith("/plan"))
        else:
            query = scope["query_string"].decode()
            self.requests.append((scope["method"], scope["path"] + (f"?{query}" if query else ""), headers, body))
            missing = (404, _problem("unknown", f"no {scope['path']} here"))
            request = f"{scope['method']} {scope['path']}"
            following = self.sequences.get(request)
            status, content = following.pop(0) if following else self.answers.get(request, missing)
            await _answer(send, status, content)

    async def _import(self, body: bytes, send: Send) -> None:
        while self.hold_at is not None and len(self.facts) >= self.hold_at:
            self.reached.set()
            await asyncio.sleep(0.005)
        said: dict[str, Any] = {"accepted": 0, "duplicates": 0, **{name: [] for name in LISTS}, "warnings_count": 0}
        if not self.parse:
            said["accepted"] = body.strip().count(b"\n") + 1
            return await _answer(send, 202, {**said, "token": "t"})
        for index, line in enumerate(line for line in body.splitlines() if line.strip()):
            try:
                fact = orjson.loads(line)
                identity, type_ = fact["id"], fact["type"]
            except (orjson.JSONDecodeError, KeyError) as problem:
                field = problem.args[0] if isinstance(problem, KeyError) else "json"
                said["rejected"].append({"index": index, "id": None, "reason": f"{field}: is wrong"})
                continue
            if identity in self.facts:
                said["duplicates"] += 1
            elif type_.startswith("Unknown"):
                self.facts[identity] = line
                said["quarantined"].append({"index": index, "id": identity, "reason": "no such contract"})
            else:
                self.facts[identity] = line
                said["accepted"] += 1
                if type_.startswith("Odd"):
                    said["warnings"].append({"index": index, "reason": "is odd"})
                    said["warnings_count"] += 1
        self.batches.append(index + 1)
        said["accepted"] -= self.forgetful
        return await _answer(send, 202, {**said, "token": f"t{len(self.facts)}"})

    async def _merge(self, merges: list[dict[str, Any]], send: Send, *, plan: bool) -> None:
        while not plan and self.hold_at is not None and len(self.merges) >= self.hold_at:
            self.reached.set()
            await asyncio.sleep(0.005)
        refused, already = [], []
        for index, merge in enumerate(merges):
            kept = next((key for key in merge["losers"] if key.startswith("kept")), None)
            if kept is not None:
                path = [merge["survivor"], kept]
                refused.append({"index": index, "because": "forbidden", "reason": "never", "path": path})
            elif plan:
                continue
            elif merge["id"] in self.merges:
                already.append(index)
            else:
                self.merges[merge["id"]] = (merge["survivor"], *merge["losers"])
        count = len(merges) - len(refused) - len(already)
        operation = f"op{len(self.merges)}" if count and not plan else None
        named = {"token": f"t{len(self.merges)}", "operation": operation}
        said = {"merged": count, "already": already, "refused": refused, **named}
        await _answer(send, 200, said)


class ServedFake:
    """A fake at a port of its own, in a thread. It can be stopped and started again at the same port."""

    def __init__(self, fake: FakeTether) -> None:
        self.fake = fake
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread()

    @property
    def url(self) -> str:
        """Its URL, also while it is stopped."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def idle(self) -> bool:
        """Whether there are no connections and no unanswered requests."""
        return not self.fake.busy and not (self._server and self._server.server_state.connections)

    def start(self) -> None:
        """Starts the server; returns when it listens."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(128)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(self.fake, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    def stop(self) -> None:
        """Stops the server at once."""
        if self._server:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join()
            self._server = None


@contextmanager
def served(fake: FakeTether) -> Iterator[ServedFake]:
    """Serves a fake during the block."""
    server = ServedFake(fake)
    server.start()
    try:
        yield server
    finally:
        fake.release()
        server.stop()


def _problem(slug: str, detail: str) -> dict[str, Any]:
    return {"type": f"/problems/{slug}", "title": slug.replace("-", " ").capitalize(), "detail": detail}


async def _answer(send: Send, status: int, content: Any, retry_after: str = "") -> None:
    headers = [(b"content-type", b"application/json" if status < 400 else b"application/problem+json")]
    if isinstance(content, FakeFeedPage):
        headers.append((b"stream-next-offset", content.offset.encode()))
        headers += [(b"stream-up-to-date", b"true")] * content.complete
        content = content.items
    if retry_after:
        headers.append((b"retry-after", retry_after.encode()))
    with suppress(RuntimeError):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if content is None else orjson.dumps(content)})
