"""The environment in which the work is continued: two tenants, the four example owners, and the network between them.

Everything runs in one process, on a real PostgreSQL and a real Temporal. Keys, fact ids and operation ids are
deterministic and owners state no time, so the idempotency keys that are derived from them are the same in every run.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
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
from catalog.catalog import Catalog
from config import Settings
from dispatcher import Dispatcher
from errors import Unavailable
from examples.channels.service import CHANNELS
from examples.events.service import EVENTS
from examples.groups.service import GROUPS
from examples.owner.service import OwnerService
from examples.teams.service import TEAMS
from gateways.owners import Owners
from gateways.webhooks import Webhooks
from starter import Starter
from store.db.pool import Pool
from tests.support.events import Event
from tests.support.harness import Harness
from tests.support.scenario import HoldingRelay, OwnerTransport, Scenario
from worker import Workers

OWNERS: Mapping[str, OwnerService] = {"channels": CHANNELS, "events": EVENTS, "groups": GROUPS, "teams": TEAMS}
MAIN, SOUTH = "main", "south"
"""The tenants. The owners send their facts to MAIN; the facts of SOUTH are recorded directly."""
REFUSED = "never"
"""A request that contains this word is refused with 422."""
NOT_CORRELATED = frozenset({"jubilee"})
"""Entities whose facts lose their correlation id: their owner does not copy it."""
CHECK_AFTER = 0.3
"""Seconds after which the dispatcher checks that workflows are open; those of the fixture are not."""


def fact(owner: str, type: str, subject: str, **data: Any) -> Event:
    """Builds the first CloudEvent of an entity of this owner. ``type`` without its version."""
    return {
        "specversion": "1.0",
        "id": f"{type}-{subject}-1",
        "source": f"/{owner}",
        "type": f"{type}.v1",
        "subject": subject,
        "sequence": "1",
        "data": data,
    }


@contextmanager
def numbered_ids(series: str) -> Iterator[None]:
    """Gives operations and plans that are created within the block consecutive ids that start with this hex digit."""
    numbers = count(1)

    def next_id() -> UUID:
        return UUID(hex=f"{series}{next(numbers):031x}")

    with patch("store.operations.operations.uuid4", next_id), patch("store.operations.plans.uuid4", next_id):
        yield


class TenantHarness(Harness):
    """One of several tenants. The worker and the dispatcher serve all of them, on the task queue of production."""

    def __init__(self, pool: Pool, catalog: Catalog, client: Client, tenant: str) -> None:
        super().__init__(pool, catalog, client, tenant)
        self.starter = Starter(client)
        self.dispatcher = Dispatcher(pool, self.starter, check_after=CHECK_AFTER)

    def worker(self, *, signal_intake: str = "auto", interceptors: Sequence[Interceptor] = ()) -> Workers:
        """Builds the workers of production, except that the owners are reached through ``transport``."""
        owners = Owners(self.owners, transport=self.transport)
        settings = Settings(signal_intake=signal_intake)
        return worker.build(
            self.client, self.pool, self.catalog, owners, Webhooks(), settings, interceptors=interceptors
        )


class Network(OwnerTransport):
    """Delivers Tether's requests to the owners, which are available and refuse only what contains ``REFUSED``."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Delivers one request."""
        body = (await request.aread()).decode()
        if REFUSED in f"{request.method} {request.url.path} {body}".lower():
            return httpx2.Response(422, text="refused by a rule of this test")
        return await self.owners[request.url.host].handle_async_request(_with_id(request, body))


def _with_id(request: httpx2.Request, body: str) -> httpx2.Request:
    """A request that creates a channel gets an id that depends on its name; the owner would choose a random one."""
    if (request.method, request.url.path) != ("POST", "/channels"):
        return request
    fields = orjson.loads(body)
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    content = orjson.dumps({**fields, "id": f"channel-of-{fields['name']}"})
    return httpx2.Request(request.method, request.url, headers=headers, content=content)


class Delivery(HoldingRelay):
    """Delivers the owners' facts to Tether, with deterministic ids and without times."""

    async def _take(self, request: httpx2.Request) -> httpx2.Response:
        events = [_deterministic(event) for event in orjson.loads(await request.aread())]
        try:
            await self._harness.record(*events)
        except Unavailable:
            return httpx2.Response(503)
        return httpx2.Response(202, json={"quarantined": []})


def _deterministic(event: Event) -> Event:
    removed = {"time", "correlationid"} if event["subject"] in NOT_CORRELATED else {"time"}
    kept = {name: value for name, value in event.items() if name not in removed}
    return {**kept, "id": f"{event['type'].removesuffix('.v1')}-{event['subject']}-{event['sequence']}"}


class Environment(Scenario):
    """Both tenants, the owners with their databases in ``folder``, and the network between them."""

    def __init__(self, pool: Pool, catalog: Catalog, client: Client, folder: Path) -> None:
        self.main = TenantHarness(pool, catalog, client, MAIN)
        self.south = TenantHarness(pool, catalog, client, SOUTH)
        self.tenants = (self.main, self.south)
        super().__init__(self.main, folder, OWNERS)
        self.folder = folder
        self.relay = Delivery(self.main)
        self.main.transport = self.transport = Network()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Runs the dispatcher and the worker within the block, for both tenants."""
        async with self.main.running():
            yield

    async def is_busy(self) -> bool:
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
