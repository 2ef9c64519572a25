"""Waits until a stack is at rest, and counts workflows, outbox rows and waits then."""

import asyncio
import time
from dataclasses import dataclass

from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.client import Client

from bench.drivers.stack import Connection, MeasuredTether
from bench.errors import InvalidMeasurement

TIMEOUT = 30.0
"""Seconds to wait at most. Temporal's list of workflows is updated with a delay."""


@dataclass(frozen=True)
class RestCounts:
    """Counts at rest. ``workflows``: open ones; ``ended``: workflows that have ended."""

    workflows: int
    ended: int
    outbox: int
    waits: int


async def at_rest(tether: MeasuredTether, conn: Connection) -> RestCounts:
    """Waits until there are no outbox rows, waits and open workflows, or the timeout; returns the counts.

    Raises InvalidMeasurement if outbox rows remain.
    """
    client = await Client.connect(tether.urls.temporal)
    until = time.monotonic() + TIMEOUT
    while True:
        found = RestCounts(
            workflows=await _count(client, "ExecutionStatus = 'Running'"),
            ended=await _count(client, "ExecutionStatus != 'Running'"),
            outbox=await conn.fetchval("select count(*) from tether.outbox"),
            waits=await conn.fetchval("select count(*) from tether.waits"),
        )
        if not found.outbox and not found.workflows and not found.waits:
            return found
        if time.monotonic() > until:
            if found.outbox:
                raise InvalidMeasurement(f"after {TIMEOUT:.0f} s outbox rows remain: {found}")
            return found
        await asyncio.sleep(0.2)


async def _count(client: Client, query: str) -> int:
    """Counts workflows by a raw call, because the SDK does not know every status."""
    request = CountWorkflowExecutionsRequest(namespace=client.namespace, query=query)
    return (await client.workflow_service.count_workflow_executions(request)).count
