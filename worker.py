"""Runs workflows and activities. The composition root: whatever they need is made here and passed in."""

import asyncio
from collections.abc import Sequence

import structlog
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

import logs
import temporal
from activities.door import Door
from activities.relationship import RelationshipActivities
from config import Settings
from gateways.owners import Owners
from relationships import catalog as catalogs
from relationships.admission import Admission
from relationships.catalog import Catalog
from store.pool import Pool, create_pool
from store.record import Recorder
from workflows.messages import TASK_QUEUE
from workflows.relationship import RelationshipWorkflow

log = structlog.get_logger()


def build(
    client: Client,
    pool: Pool,
    catalog: Catalog,
    owners: Owners,
    settings: Settings,
    *,
    task_queue: str = TASK_QUEUE,
    interceptors: Sequence[Interceptor] = (),
) -> Worker:
    """A worker for everything."""
    recorder = Recorder(pool, catalog)
    door = Door(recorder, Admission(catalog, settings.limits), catalog, pool, mode=settings.signal_door)
    relationship = RelationshipActivities(pool, catalog, door, owners)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[RelationshipWorkflow],
        activities=[
            relationship.record,
            relationship.proceed,
            relationship.ask,
            relationship.tell_overdue,
        ],
        interceptors=interceptors,
        max_concurrent_activities=100,
        # An owner that is slow holds as many of these, for two seconds each, as the gateway lets it have at once.
        max_concurrent_local_activities=200,
        max_concurrent_workflow_tasks=200,
        max_cached_workflows=2_000,
    )


async def main(settings: Settings) -> None:
    """Runs until it is cancelled."""
    logs.configure(settings)
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, settings.database_pool, name="tether worker")
    try:
        client = await _connected(settings)
        async with Owners(settings.owners) as owners, build(client, pool, catalog, owners, settings):
            log.info("ready")
            await asyncio.Event().wait()
    finally:
        await pool.close()


async def _connected(settings: Settings) -> Client:
    """Temporal may come later than we."""
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
