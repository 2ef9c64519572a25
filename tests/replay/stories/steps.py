"""Steps that the stories of operations share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from catalog.catalog import Catalog
from messages.operation_reasons import describe_operation
from messages.workflow_ids import Subject
from store.operations import operations
from tests.support.eventually import eventually
from tests.support.scenario import Scenario

A_LITTLE = timedelta(hours=2)


async def create_known(scenario: Scenario, *teams: str) -> None:
    """Creates the events a and b, and teams in a."""
    await scenario.create_events("a", "b")
    await scenario.create_teams("a", *teams)


async def cancel(scenario: Scenario, id: str) -> None:
    await operations.cancel(scenario.harness.pool, scenario.harness.tenant, id)


async def redrive(scenario: Scenario, id: str) -> None:
    await operations.redrive(scenario.harness.pool, scenario.harness.tenant, id)


async def signal_until_continued(scenario: Scenario, subject: Subject) -> None:
    """Signals until the run has continued as new."""
    handle = scenario.harness.workflow(subject)
    first = (await handle.describe()).run_id

    async def continued() -> bool:
        await handle.signal("TeamCreated", {"source": "/teams", "id": "x", "revision": 1})
        return (await handle.describe()).run_id != first

    await eventually(continued)


async def start_by_signal(scenario: Scenario, workflow: str, subject: Subject, name: str, fact: Any) -> None:
    """Signals a fact of this name to a subject's workflow of this type, which starts it."""
    harness = scenario.harness
    await harness.client.start_workflow(
        workflow,
        None,
        id=harness.workflow(subject).id,
        task_queue=harness.tenant,
        start_signal=name,
        start_signal_args=[fact],
    )


@asynccontextmanager
async def running_with(scenario: Scenario, catalog: Catalog) -> AsyncIterator[None]:
    """Runs Tether's processes with these declarations within the block."""
    scenario.harness.catalog = catalog
    async with scenario.harness.running():
        yield


def without(catalog: Catalog, command: str) -> Catalog:
    """Returns the catalog without a command of event_team: its ``move`` or ``detach``."""
    relationships = dict(catalog.relationships)
    removed: dict[str, Any] = {command: None}
    relationships["event_team"] = replace(relationships["event_team"], **removed)
    return Catalog(catalog.contracts, relationships)


async def wait_for_reason(scenario: Scenario, id: str, part: str) -> None:
    """Waits until ``part`` is in the reason why an operation is stuck or ended."""

    async def there() -> bool:
        return part in describe_operation(await scenario.harness.operation(id))

    await eventually(there)
