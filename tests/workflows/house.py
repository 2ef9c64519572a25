"""A Tether in this process on a real PostgreSQL and a real Temporal, and the owner of channels as a double."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple

import httpx2
import orjson
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import TimeSkipper
from temporalio.worker import Interceptor, Worker

import worker
from config import Limits, Settings
from contracts.envelope import read
from dispatcher import Dispatcher
from gateways.owners import Owners
from relationships.admission import Admission
from relationships.catalog import Catalog
from relationships.definition import Relationship
from starter import Starter
from store import operations
from store.pool import Pool
from store.record import Recorder
from workflows.messages import Instance, workflow_id

Event = dict[str, Any]


def event(type: str, subject: str, sequence: int | None = 1, *, correlation: str | None = None, **data: Any) -> Event:
    """A CloudEvent; its id says all that makes it another one."""
    told: Event = {
        "specversion": "1.0",
        "id": f"{type}-{subject}-{sequence}",
        "source": "/" + type.removesuffix("Created").lower(),
        "type": f"{type}.v1",
        "subject": subject,
        "data": data,
    }
    if sequence is not None:
        told["sequence"] = str(sequence)
    if correlation is not None:
        told["correlationid"] = correlation
    return told


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """The first true value of the condition; TimeoutError if it stays false."""
    async with asyncio.timeout(seconds):
        while not (value := await condition()):
            await asyncio.sleep(0.01)
    return value


class Asked(NamedTuple):
    """One request that the owner of channels got."""

    key: str
    correlation: str
    causation: str | None
    name: str


class Channels:
    """Owns channels. Answers from ``answers`` first; then each new key makes a channel, told unless ``silent``."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.silent = False
        self._made: set[str] = set()
        self.tell: Callable[[Event], Awaitable[Any]] | None = None
        self.transport = httpx2.MockTransport(self._handle)

    def attempts(self) -> Counter[str]:
        """How often each key was used."""
        return Counter(asked.key for asked in self.requests)

    async def _handle(self, request: httpx2.Request) -> httpx2.Response:
        headers = request.headers
        asked = Asked(
            headers["idempotency-key"],
            headers["correlation-id"],
            headers.get("causation-id"),
            orjson.loads(await request.aread())["name"],
        )
        if self.answers:
            self.requests.append(asked)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.requests.append(asked)
        known = asked.key in self._made
        self._made.add(asked.key)
        if self.tell is not None and not self.silent and not known:
            channel = f"channel-of-{asked.name}"
            await self.tell(event("ChannelCreated", channel, correlation=asked.correlation, name=asked.name))
        return httpx2.Response(201, json={})


class House:
    """One tenant. ``tell`` is what the API does with a fact; the dispatcher and a worker run unless stopped."""

    def __init__(self, pool: Pool, catalog: Catalog, client: Client, tenant: str) -> None:
        self.pool = pool
        self.catalog = catalog
        self.client = client
        self.tenant = tenant
        self.channels = Channels()
        self.channels.tell = self.tell
        self.owners: dict[str, str] = {"channels": "http://channels"}
        self.starter = Starter(client, task_queue=tenant)
        self.dispatcher = Dispatcher(pool, self.starter, check_after=3600)
        self.recorder = Recorder(pool, catalog)
        self._skipper = TimeSkipper(client)
        self._admission = Admission(catalog, Limits())

    async def tell(self, *events: Event) -> int:
        """Records facts; returns the revision after them."""
        entries = [self._admission.admit(read(told)) for told in events]
        return (await self.recorder.record(self.tenant, entries, actor="test")).revision

    def worker(self, *, door: str = "auto", interceptors: Sequence[Interceptor] = ()) -> Worker:
        """As in production, but for this test's own task queue."""
        owners = Owners(self.owners, transport=self.channels.transport)
        settings = Settings(signal_door=door)
        return worker.build(
            self.client,
            self.pool,
            self.catalog,
            owners,
            settings,
            task_queue=self.tenant,
            interceptors=interceptors,
        )

    @asynccontextmanager
    async def open(self, *, door: str = "auto", interceptors: Sequence[Interceptor] = ()) -> AsyncIterator[None]:
        """The dispatcher and a worker run within it."""
        async with self.dispatching(), self.worker(door=door, interceptors=interceptors):
            yield

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[None]:
        """The dispatcher runs within it."""
        running = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running  # whatever ended it too early ends the test

    def instance(self, relationship: str, parent: str) -> Instance:
        return Instance(tenant=self.tenant, relationship=relationship, parent=parent)

    def handle(self, relationship: str, parent: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(self.instance(relationship, parent)))

    async def skip(self, relationship: str, parent: str, duration: timedelta) -> None:
        """Its workflow's own clock goes on by this much."""
        await self._skipper.fast_forward(self.handle(relationship, parent), duration)

    async def is_open(self, relationship: str, parent: str) -> bool:
        return await self.starter.runs(self.instance(relationship, parent))

    async def ended(self, relationship: str, parent: str, seconds: float = 30) -> WorkflowExecutionStatus:
        """How the last run of a workflow ended, once it has."""

        async def closed() -> bool:
            return not await self.is_open(relationship, parent)

        await until(closed, seconds)
        status = (await self.handle(relationship, parent).describe()).status
        assert status is not None
        return status

    async def result(self, relationship: str, parent: str, seconds: float = 30) -> Any:
        """Of a workflow that has been started."""
        return await asyncio.wait_for(self.handle(relationship, parent).result(), seconds)

    async def link(
        self, relationship: str, parent: str | None, child: str, kind: str = "link", key: str | None = None
    ) -> str:
        """Starts an explicit link or unlink; its id."""
        row = await operations.start(
            self.pool,
            self.tenant,
            self.relationship(relationship),
            kind=kind,
            parent=parent,
            child=child,
            actor="test",
            idempotency_key=key,
        )
        return str(row["id"])

    async def operation(self, id: str) -> Any:
        return await operations.find(self.pool, self.tenant, id)

    async def operated(self, id: str, state: str, seconds: float = 30) -> Any:
        """An operation, once it is in this state."""

        async def there() -> Any:
            row = await self.operation(id)
            return row if row["state"] == state else None

        return await until(there, seconds)

    def relationship(self, name: str) -> Relationship:
        return self.catalog.relationship(name)

    async def facts(self, type: str) -> list[Any]:
        """Facts of one name in the ledger, oldest first."""
        return await self.pool.fetch(
            "select * from facts where tenant = $1 and type = $2 order by revision, id", self.tenant, f"{type}.v1"
        )

    async def told(self, type: str, count: int = 1, seconds: float = 30) -> list[Any]:
        """As many facts of one name, once they are in the ledger."""

        async def there() -> Any:
            rows = await self.facts(type)
            return rows if len(rows) >= count else None

        rows: list[Any] = await until(there, seconds)
        return rows

    async def links(self, relationship: str) -> dict[str, str]:
        """child → parent, now."""
        rows = await self.pool.fetch(
            "select child, parent from links where tenant = $1 and relationship = $2 and to_revision = $3",
            self.tenant,
            relationship,
            2**63 - 1,
        )
        return {row["child"]: row["parent"] for row in rows}

    async def wait(self, relationship: str, parent: str) -> Any:
        """What an instance waits for; None: nothing."""
        return await self.pool.fetchrow(
            "select * from waits where tenant = $1 and relationship = $2 and parent = $3",
            self.tenant,
            relationship,
            parent,
        )

    async def waiting(self, relationship: str, parent: str, seconds: float = 30) -> Any:
        """Its wait, once its workflow waits in Temporal too."""
        handle = self.handle(relationship, parent)

        async def there() -> Any:
            if not await self.is_open(relationship, parent):
                return None
            progress = await handle.query("progress")
            return progress["says"].startswith("waiting")

        await until(there, seconds)
        return await self.wait(relationship, parent)

    async def count(self, table: str) -> int:
        """Rows of ``intents`` or ``waits``."""
        query = {
            "intents": "select count(*) from intents where tenant = $1",
            "waits": "select count(*) from waits where tenant = $1",
            "quarantine": "select count(*) from quarantine where tenant = $1",
        }[table]
        return int(await self.pool.fetchval(query, self.tenant))

    async def at_rest(self, seconds: float = 30) -> None:
        """No intents and no waits are left."""

        async def empty() -> bool:
            return not await self.count("intents") and not await self.count("waits")

        await until(empty, seconds)

    async def quarantined(self) -> list[str]:
        """The reasons, oldest first."""
        rows = await self.pool.fetch("select reason from quarantine where tenant = $1 order by id", self.tenant)
        return [row["reason"] for row in rows]
