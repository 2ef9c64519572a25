"""At rest: nothing is under way that need not be, by Temporal's own list and by the tables."""

import asyncio
import time
from dataclasses import dataclass

from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.client import Client

from bench.drivers.stack import Connection, MeasuredTether
from bench.errors import Spoilt

TIMEOUT = 30.0
"""Seconds until all must have ended: Temporal's list is a moment behind."""


@dataclass(frozen=True)
class Rest:
    """How many there are. ``workflows``: open; ``ended``: that ran and are over."""

    workflows: int
    ended: int
    outbox: int
    waits: int


async def at_rest(tether: MeasuredTether, conn: Connection) -> Rest:
    """What is left once nothing changes any more. Raises Spoilt if outbox stay."""
    client = await Client.connect(tether.urls.temporal)
    until = time.monotonic() + TIMEOUT
    while True:
        found = Rest(
            workflows=await _count(client, "ExecutionStatus = 'Running'"),
            ended=await _count(client, "ExecutionStatus != 'Running'"),
            outbox=await conn.fetchval("select count(*) from tether.outbox"),
            waits=await conn.fetchval("select count(*) from tether.waits"),
        )
        if not found.outbox and not found.workflows and not found.waits:
            return found
        if time.monotonic() > until:
            if found.outbox:
                raise Spoilt(f"after {TIMEOUT:.0f} s there is still something to do: {found}")
            return found
        await asyncio.sleep(0.2)


async def _count(client: Client, query: str) -> int:
    """By the raw call: the SDK does not know every status."""
    request = CountWorkflowExecutionsRequest(namespace=client.namespace, query=query)
    return (await client.workflow_service.count_workflow_executions(request)).count
