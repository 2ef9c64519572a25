"""Runs Tether in this process, with a real PostgreSQL, a real Temporal, and a test double that owns channels."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import httpx2
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import TimeSkipper
from temporalio.worker import Interceptor

import worker
from catalog.catalog import Catalog
from catalog.relationship import Relationship
from config import QuarantineLimits, Retention, Settings
from dispatcher import Dispatcher
from facts.envelope import read
from gateways.answers import LONGEST_PAUSE
from gateways.circuit_breaker import Clock
from gateways.owners import Owners
from gateways.webhooks import Webhooks
from messages.relationship import RelationshipInstance
from messages.workflow_ids import Subject, subject_id
from starter import Starter
from store.db.pool import Pool
from store.operations import links, operations
from store.operations.operation_row import OperationKind, OperationRow, OperationState
from store.write.recorder import Recorder
from tests.support.channels import Channels
from tests.support.events import Event, event
from tests.support.eventually import eventually
from tests.support.receivers import Receivers
from tests.support.validators import validator_of
from worker import Workers

_DEADLINES = (
    "update waits set waiting_since = waiting_since - $2::interval, due = due - $2::interval where tenant = $1",
    "update operations set created_at = created_at - $2::interval, due = due - $2::interval where tenant = $1",
    "update operation_children set changed_at = changed_at - $2::interval where tenant = $1",
    "update links set since = since - $2::interval where tenant = $1",
    (
        "update webhooks set retry_at = retry_at - $2::interval, failing_since = failing_since - $2::interval,"
        " former_until = former_until - $2::interval where tenant = $1"
    ),
    "update undelivered set due = due - $2::interval, failed_at = failed_at - $2::interval where tenant = $1",
)


async def bring_deadlines_forward(pool: Pool, tenant: str, duration: timedelta) -> None:
    """Makes everything of a tenant that has a deadline older, as if the database's clock had been set forward."""
    async with pool.acquire() as conn, conn.transaction():
        for statement in _DEADLINES:
            await conn.execute(statement, tenant, duration)


class Harness:
    """Tether for one tenant. Facts are recorded as by the API; a dispatcher and a worker run within ``running``."""

    def __init__(self, pool: Pool, catalog: Catalog, client: Client, tenant: str) -> None:
        self.pool = pool
        self.catalog = catalog
        self.client = client
        self.tenant = tenant
        self.channels = Channels()
        self.channels.publish = self._channel_created
        self.owners: dict[str, str] = {"channels": "http://channels"}
        self.transport: httpx2.AsyncBaseTransport = self.channels.transport
        self.receivers = Receivers()
        self.webhooks: Webhooks | None = None
        self.starter = Starter(client, task_queue=tenant)
        self.retention = Retention()
        self.quarantine = QuarantineLimits()
        self.dispatcher = Dispatcher(pool, self.starter, check_after=3600)
        self.recorder = Recorder(pool, catalog)
        self._skipper = TimeSkipper(client)
        self._skipped = 0.0
        self._validator = validator_of(catalog)

    async def record(self, *events: Event) -> int:
        """Records the events in one batch; returns the revision after it."""
        entries = [self._validator.validate(read(event)) for event in events]
        return (await self.recorder.record(self.tenant, entries, actor="test")).revision

    async def _channel_created(self, key: str, correlation: str, name: str) -> None:
        await self.record(event("ChannelCreated", key, correlation=correlation, name=name))

    def worker(self, *, signal_intake: str = "auto", interceptors: Sequence[Interceptor] = ()) -> Workers:
        """Builds the workers of production, with a task queue of their own and a clock that ``skip`` sets forward."""
        clock = Clock(monotonic=lambda: time.monotonic() + self._skipped)
        owners = Owners(self.owners, transport=self.transport, clock=clock)
        settings = Settings(signal_intake=signal_intake, retention=self.retention, quarantine=self.quarantine)
        return worker.build(
            self.client,
            self.pool,
            self.catalog,
            owners,
            self.webhooks or Webhooks(transport=self.receivers.transport, resolve=self.receivers.resolve),
            settings,
            task_queue=self.tenant,
            interceptors=interceptors,
        )

    @asynccontextmanager
    async def running(
        self, *, signal_intake: str = "auto", interceptors: Sequence[Interceptor] = ()
    ) -> AsyncIterator[None]:
        """Runs the dispatcher and a worker within the block."""
        async with self.dispatching(), self.worker(signal_intake=signal_intake, interceptors=interceptors):
            yield

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[None]:
        """Runs the dispatcher within the block."""
        running = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running  # raises the error with which the dispatcher ended, if it did

    def instance(self, relationship: str, parent: str) -> RelationshipInstance:
        return RelationshipInstance(tenant=self.tenant, relationship=relationship, parent=parent)

    def handle(self, relationship: str, parent: str) -> WorkflowHandle[Any, Any]:
        return self.workflow(self.instance(relationship, parent).subject)

    async def skip(self, relationship: str, parent: str, duration: timedelta) -> None:
        """Sets the clock of an instance's workflow forward, and the clock of the circuit breakers of owners."""
        await self.fast_forward(self.instance(relationship, parent).subject, duration)

    async def is_open(self, relationship: str, parent: str) -> bool:
        return await self.starter.runs(self.instance(relationship, parent).subject)

    async def wait_for_end(self, relationship: str, parent: str, seconds: float = 90) -> WorkflowExecutionStatus:
        """Waits until the workflow of an instance has ended; returns how its last run ended."""
        return await self.wait_for_workflow_end(self.instance(relationship, parent).subject, seconds)

    def subject(self, workflow: str, about: str, key: str) -> Subject:
        return Subject(tenant=self.tenant, workflow=workflow, about=about, key=key)

    def workflow(self, subject: Subject) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(subject_id(subject))

    async def fast_forward(self, subject: Subject, duration: timedelta) -> None:
        """Sets the clock of a workflow forward, and the clock of the circuit breakers of owners.

        The database's clock cannot be set, so all deadlines of the tenant are brought forward instead.
        """
        self._skipped += duration.total_seconds()
        await bring_deadlines_forward(self.pool, self.tenant, duration)
        await self._skipper.fast_forward(self.workflow(subject), duration)

    async def wait_for_workflow_end(self, subject: Subject, seconds: float = 90) -> WorkflowExecutionStatus:
        """Waits until a workflow has ended; returns how its last run ended."""

        async def over() -> bool:
            return not await self.starter.runs(subject)

        await eventually(over, seconds)
        status = (await self.workflow(subject).describe()).status
        assert status is not None
        return status

    async def result(self, relationship: str, parent: str, seconds: float = 90) -> Any:
        """Returns the result of the workflow of an instance, which must have been started."""
        return await asyncio.wait_for(self.handle(relationship, parent).result(), seconds)

    async def link(
        self, relationship: str, parent: str | None, child: str, kind: OperationKind = "link", key: str | None = None
    ) -> str:
        """Starts an explicit link or unlink; returns the id of the operation."""
        row = await links.start(
            self.pool,
            self.tenant,
            self.relationship(relationship),
            kind=kind,
            parent=parent,
            child=child,
            actor="test",
            idempotency_key=key,
        )
        return row.id

    async def operation(self, id: str) -> OperationRow:
        return await operations.find(self.pool, self.tenant, id)

    async def wait_for_operation(self, id: str, state: OperationState, seconds: float = 90) -> OperationRow:
        """Waits until an operation is in a state; returns its row."""

        async def there() -> Any:
            row = await self.operation(id)
            return row if row.state == state else None

        row: OperationRow = await eventually(there, seconds)
        return row

    async def wait_until_refused(self, id: str, subject: Subject) -> OperationRow:
        """Waits until the owner has contradicted an operation's request so often that it is refused; returns its row.

        ``subject``: its workflow, whose clock is set forward from one attempt to the next.
        """
        seen = 0

        async def tried_again() -> OperationRow | None:
            row = await self.operation(id)
            return row if row.state == "refused" or row.contradictions > seen else None

        while (row := await eventually(tried_again)) is not None and row.state != "refused":
            seen = row.contradictions
            await self.fast_forward(subject, timedelta(seconds=LONGEST_PAUSE))
        assert row is not None
        return row

    def relationship(self, name: str) -> Relationship:
        return self.catalog.relationship(name)

    async def facts(self, type: str) -> list[Any]:
        """Returns the facts of one type in the ledger, oldest first."""
        return await self.pool.fetch(
            "select * from facts where tenant = $1 and type = $2 order by revision, id", self.tenant, f"{type}.v1"
        )

    async def wait_for_facts(self, type: str, count: int = 1, seconds: float = 90) -> list[Any]:
        """Waits until the ledger has ``count`` facts of one type; returns them, oldest first."""

        async def there() -> Any:
            rows = await self.facts(type)
            return rows if len(rows) >= count else None

        rows: list[Any] = await eventually(there, seconds)
        return rows

    async def links(self, relationship: str) -> dict[str, str]:
        """Returns child → parent of the current links of a relationship."""
        rows = await self.pool.fetch(
            "select child, parent from links where tenant = $1 and relationship = $2 and to_revision = $3",
            self.tenant,
            relationship,
            2**63 - 1,
        )
        return {row["child"]: row["parent"] for row in rows}

    async def find_wait(self, relationship: str, parent: str) -> Any:
        """Returns the wait of an instance, or None."""
        return await self.pool.fetchrow(
            "select * from waits where tenant = $1 and relationship = $2 and parent = $3",
            self.tenant,
            relationship,
            parent,
        )

    async def wait_until_waiting(self, relationship: str, parent: str, seconds: float = 90) -> Any:
        """Waits until the workflow of an instance is waiting; returns the wait of the instance."""
        handle = self.handle(relationship, parent)

        async def there() -> Any:
            if not await self.is_open(relationship, parent):
                return None
            progress = await handle.query("progress")
            return progress["description"].startswith("waiting")

        await eventually(there, seconds)
        return await self.find_wait(relationship, parent)

    async def count_rows(self, table: str) -> int:
        """Counts the rows of ``outbox``, ``waits`` or ``quarantine``."""
        query = {
            "outbox": "select count(*) from outbox where tenant = $1",
            "waits": "select count(*) from waits where tenant = $1",
            "quarantine": "select count(*) from quarantine where tenant = $1",
        }[table]
        return int(await self.pool.fetchval(query, self.tenant))

    async def wait_until_at_rest(self, seconds: float = 90) -> None:
        """Waits until there are no outbox rows and no waits."""

        async def empty() -> bool:
            return not await self.count_rows("outbox") and not await self.count_rows("waits")

        await eventually(empty, seconds)

    async def quarantined(self) -> list[str]:
        """Returns the reasons of the facts in quarantine, oldest first."""
        rows = await self.pool.fetch("select reason from quarantine where tenant = $1 order by id", self.tenant)
        return [row["reason"] for row in rows]
