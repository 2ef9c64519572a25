"""Runs workflows and activities. The composition root: their dependencies are made here and passed in."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import structlog
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

import garbage
import logs
import temporal
from activities.cascade import CascadeActivities
from activities.delivery import DeliveryActivities
from activities.erasure import ErasureActivities
from activities.merge import MergeActivities
from activities.move import MoveActivities
from activities.plan import PlanActivities
from activities.quarantine import QuarantineActivities
from activities.relationship import RelationshipActivities
from activities.retention import RetentionActivities
from activities.signal_intake import SignalIntake
from activities.sweep import SweepActivities
from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from facts.validation import Validator
from gateways.owners import Owners
from gateways.webhooks import Webhooks
from messages.workflow_ids import TASK_QUEUE
from store.db.pool import Pool, create_pool
from store.quarantine.redriving import Redriver
from store.write.recorder import Recorder
from workflows.activity_options import DELIVERIES
from workflows.cascade import CascadeDeleteWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.erasure import ErasureWorkflow
from workflows.merge import MergeWorkflow
from workflows.move import MoveWorkflow
from workflows.plan import PlanWorkflow
from workflows.quarantine import QuarantineRunWorkflow
from workflows.relationship import RelationshipWorkflow
from workflows.retention import RetentionWorkflow

log = structlog.get_logger()

ACTIVITIES_PER_OWNER = 50
"""Concurrent activities that send requests to one owner. Its gateway has fewer slots; sweeps wait for one."""
DELIVERIES_AT_ONCE = 500
"""Consumers that are delivered to at the same time. A receiver that fails takes a slot only for its attempts."""


class Workers:
    """One worker for workflows and the database, and one for each owner, so that a slow owner delays no other."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for worker in self._workers:
            await self._running.enter_async_context(worker)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.__aexit__(kind, error, trace)


def build(
    client: Client,
    pool: Pool,
    catalog: Catalog,
    owners: Owners,
    webhooks: Webhooks,
    settings: Settings,
    *,
    task_queue: str = TASK_QUEUE,
    interceptors: Sequence[Interceptor] = (),
) -> Workers:
    """Builds the workers of all workflows and activities.

    ``owners``: clients of the owners that receive commands; ``webhooks``: of the receivers of the feed. ``task_queue``
    and ``interceptors``: other ones for tests.
    """
    tolerance, validator = timedelta(seconds=settings.limits.ahead), Validator(catalog, settings.limits)
    recorder = Recorder(pool, catalog, tolerance, settings.quarantine)
    signal_intake = SignalIntake(recorder, validator, catalog, pool, mode=settings.signal_intake)
    relationship = RelationshipActivities(pool, catalog, signal_intake, owners)
    move = MoveActivities(pool, catalog, owners)
    cascade = CascadeActivities(pool, catalog, owners)
    plan = PlanActivities(pool, catalog)
    merge = MergeActivities(pool, catalog, owners)
    retention = RetentionActivities(pool, catalog, settings.retention)
    erasure = ErasureActivities(pool, catalog, owners)
    quarantine = QuarantineActivities(Redriver(pool, catalog, validator, tolerance), settings.quarantine.rate)
    requesting: list[Callable[..., Any]] = [relationship.request_child, move.request_move, cascade.request_deletion]
    main_worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[
            RelationshipWorkflow,
            MoveWorkflow,
            CascadeDeleteWorkflow,
            PlanWorkflow,
            MergeWorkflow,
            RetentionWorkflow,
            DeliveryWorkflow,
            ErasureWorkflow,
            QuarantineRunWorkflow,
        ],
        activities=[
            relationship.record,
            relationship.proceed,
            relationship.notify_overdue,
            move.look_at_moves,
            cascade.look_at_end,
            plan.look_at_plan,
            merge.look_at_merge,
            merge.prove_merge,
            retention.trim,
            erasure.erase,
            erasure.vacuum,
            erasure.end,
            quarantine.process,
            *requesting,
        ],
        interceptors=interceptors,
        max_concurrent_activities=100,
        # A slow owner occupies as many of these as its gateway has slots, for two seconds each.
        max_concurrent_local_activities=200,
        max_concurrent_workflow_tasks=200,
        max_cached_workflows=2_000,
    )
    sweep = SweepActivities(pool, catalog, owners)
    owner_workers = [
        Worker(
            client,
            task_queue=f"{task_queue}.{owner}",
            activities=[*requesting, sweep.sweep, merge.retire, erasure.request_owner],
            interceptors=interceptors,
            max_concurrent_activities=ACTIVITIES_PER_OWNER,
            max_concurrent_activity_task_polls=2,
        )
        for owner in sorted(set(catalog.contracts.commands.values()))
    ]
    delivery_worker = Worker(
        client,
        task_queue=f"{task_queue}.{DELIVERIES}",
        activities=[DeliveryActivities(pool, catalog, webhooks).deliver],
        interceptors=interceptors,
        max_concurrent_activities=DELIVERIES_AT_ONCE,
    )
    return Workers([main_worker, *owner_workers, delivery_worker])


async def main(settings: Settings) -> None:
    """Runs until it is cancelled. Raises Refused for settings that cannot be used."""
    logs.configure(settings)
    catalog = catalogs.load(settings.catalog)
    async with (  # first, so that a bad address is reported at once
        Owners(settings.owners) as owners,
        Webhooks(settings.webhook_allow, origin=settings.webhook_origin) as webhooks,
    ):
        pool = await create_pool(settings.database_url, settings.database_pool, name="tether worker")
        try:
            client = await _connected(settings)
            async with build(client, pool, catalog, owners, webhooks, settings):
                garbage.collect_rarely()
                log.info("ready")
                await asyncio.Event().wait()
        finally:
            await pool.close()


async def _connected(settings: Settings) -> Client:
    """Connects to Temporal, which may start later than this process."""
    while True:
        try:
            return await temporal.connect(metrics=settings.worker_metrics)
        except RuntimeError as error:
            log.warning("waiting for Temporal", reason=str(error))
            await asyncio.sleep(1)


def run(settings: Settings) -> None:
    """Runs until SIGINT or SIGTERM."""
    logs.run(main(settings))


if __name__ == "__main__":
    run(Settings())
