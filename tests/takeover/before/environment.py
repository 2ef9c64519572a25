"""The environment of the takeover scenario: two tenants, the four example owners, and the network between them.

Everything runs in one process, on a real PostgreSQL and a real Temporal. Keys, fact ids and operation ids are
deterministic and owners state no time, so the idempotency keys that are derived from them are the same in every run.
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import httpx2
import orjson
from temporalio.client import Client
from temporalio.worker import Interceptor

import worker
from config import Settings
from dispatcher import CHECK_AFTER, Dispatcher
from errors import Unavailable
from examples.channels.service import CHANNELS
from examples.events.service import EVENTS
from examples.groups.service import GROUPS
from examples.owner.service import Owner
from examples.teams.service import TEAMS
from gateways.circuit import Clock
from gateways.owners import Owners
from relationships.catalog import Catalog
from starter import Starter
from store.pool import Pool
from store.record import Recorder
from tests.workflows import festival
from tests.workflows.house import Event, House
from worker import Workers

OWNERS: Mapping[str, Owner] = {"channels": CHANNELS, "events": EVENTS, "groups": GROUPS, "teams": TEAMS}
MAIN, SOUTH = "main", "south"
"""The tenants. The owners send their facts to MAIN; the facts of SOUTH are recorded directly."""
REFUSED, REFUSED_UNTIL_REPAIRED = "never", "later"
"""A request that contains one of these words is refused with 422: always, or until ``Network.repair``."""
NOT_CORRELATED = frozenset({"jubilee"})
"""Entities whose facts lose their correlation id: their owner does not copy it."""
_UNAVAILABLE = {"retry-after": "3600"}


def fact(
    owner: str, type: str, subject: str, sequence: int, *, time: str = "", correlation: str = "", **data: Any
) -> Event:
    """A CloudEvent of this owner."""
    event: Event = {
        "specversion": "1.0",
        "id": f"{type}-{subject}-{sequence}",
        "source": f"/{owner}",
        "type": f"{type}.v1",
        "subject": subject,
        "sequence": str(sequence),
        "data": data,
    }
    optional = {"time": time, "correlationid": correlation}
    return event | {name: value for name, value in optional.items() if value}


@contextmanager
def numbered_ids(series: str) -> Iterator[None]:
    """Operations and plans that are created within the block get consecutive ids that start with this hex digit."""
    numbers = count(1)

    def next_id() -> UUID:
        return UUID(hex=f"{series}{next(numbers):031x}")

    with patch("store.operations.uuid4", next_id), patch("store.plans.uuid4", next_id):
        yield


class Tenant(House):
    """One of several tenants. The worker and the dispatcher serve all of them, on the task queue of production.

    ``check_after``: seconds after which the dispatcher checks that a workflow that should be open is open.
    """

    def __init__(self, pool: Pool, catalog: Catalog, client: Client, tenant: str, check_after: float) -> None:
        super().__init__(pool, catalog, client, tenant)
        self.starter = Starter(client)
        self.dispatcher = Dispatcher(pool, self.starter, check_after=check_after)

    def worker(self, *, door: str = "auto", interceptors: Sequence[Interceptor] = ()) -> Workers:
        """As in production, except that the owners are reached through ``transport``."""
        clock = Clock(monotonic=lambda: time.monotonic() + self._skipped)
        owners = Owners(self.owners, transport=self.transport, clock=clock)
        settings = Settings(signal_door=door)
        return worker.build(self.client, self.pool, self.catalog, owners, settings, interceptors=interceptors)

    async def skip_time(self, id: str, duration: timedelta) -> None:
        """Advances the clock of the workflow with this id, and that of the circuit breakers."""
        self._skipped += duration.total_seconds()
        await self._skipper.fast_forward(self.client.get_workflow_handle(id), duration)

    def use(self, catalog: Catalog) -> None:
        """The declarations that the next worker runs with."""
        self.catalog = catalog
        self.recorder = Recorder(self.pool, catalog)


class Network(festival.Road):
    """Delivers Tether's requests to the owners, with failures.

    ``unavailable``: a request that contains one of these words is answered 503 and does not reach its owner.
    ``lost_answers``: a request that contains one of these words takes effect, and is answered 503 all the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unavailable: set[str] = set()
        self.lost_answers: set[str] = set()
        self.refused_words: set[str] = {REFUSED, REFUSED_UNTIL_REPAIRED}

    def repair(self) -> None:
        """Every owner is available again, and refuses only what it always refuses."""
        self.away.clear()
        self.unavailable.clear()
        self.lost_answers.clear()
        self.refused_words = {REFUSED}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request."""
        body = (await request.aread()).decode()
        owner, text = request.url.host, f"{request.method} {request.url.path} {body}".lower()
        if owner in self.away or any(word in text for word in self.unavailable):
            return httpx2.Response(503, headers=_UNAVAILABLE)
        if any(word in text for word in self.refused_words):
            return httpx2.Response(422, text="refused by a rule of this test")
        answer = await self.owners[owner].handle_async_request(_with_id(request, body))
        if any(word in text for word in self.lost_answers):
            return httpx2.Response(503, headers=_UNAVAILABLE)
        return answer


def _with_id(request: httpx2.Request, body: str) -> httpx2.Request:
    """A request that creates a channel gets an id that depends on its name; the owner would choose a random one."""
    if (request.method, request.url.path) != ("POST", "/channels"):
        return request
    fields = orjson.loads(body)
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    content = orjson.dumps({**fields, "id": f"channel-of-{fields['name']}"})
    return httpx2.Request(request.method, request.url, headers=headers, content=content)


class Delivery(festival.Post):
    """Delivers the owners' facts to Tether, with deterministic ids and without times.

    ``delayed``: subjects whose facts are taken from the owner and kept in ``held``.
    """

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.delayed: set[str] = set()

    async def deliver_held(self) -> None:
        """Delivers what is held, and delays nothing from now on."""
        self.delayed.clear()
        held, self.held = self.held, []
        for event in held:
            await self._house.tell(event)

    async def _take(self, request: httpx2.Request) -> httpx2.Response:
        batch = [_deterministic(event) for event in orjson.loads(await request.aread())]
        arriving = [event for event in batch if event["subject"] not in self.delayed]
        if arriving:
            try:
                await self._house.tell(*arriving)
            except Unavailable:
                return httpx2.Response(503)
        self.held += [event for event in batch if event["subject"] in self.delayed]
        return httpx2.Response(202, json={"quarantined": []})


def _deterministic(event: Event) -> Event:
    removed = {"time", "correlationid"} if event["subject"] in NOT_CORRELATED else {"time"}
    kept = {name: value for name, value in event.items() if name not in removed}
    return {**kept, "id": f"{event['type'].removesuffix('.v1')}-{event['subject']}-{event['sequence']}"}


class Environment(festival.Festival):
    """Both tenants, the owners with their databases in ``folder``, and the network between them."""

    def __init__(
        self, pool: Pool, catalog: Catalog, client: Client, folder: Path, check_after: float = CHECK_AFTER
    ) -> None:
        self.main = Tenant(pool, catalog, client, MAIN, check_after)
        self.south = Tenant(pool, catalog, client, SOUTH, check_after)
        self.tenants = (self.main, self.south)
        super().__init__(self.main, folder, OWNERS)
        self.folder = folder
        self.network = self.road = Network()
        self.delivery = self.post = Delivery(self.main)
        self.main.transport = self.network

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """The dispatcher and the worker run within the block, for both tenants."""
        async with self.main.open():
            yield

    async def busy(self) -> bool:
        """Whether some open workflow has not processed all that it was sent."""
        client = self.main.client
        async for execution in client.list_workflows("ExecutionStatus = 'Running'"):
            described = await client.get_workflow_handle(execution.id).describe()
            if described.raw_description.HasField("pending_workflow_task"):
                return True
        return False

    async def close(self) -> None:
        """Waits until nothing is being recorded."""
        for tenant in self.tenants:
            await tenant.recorder.close()
