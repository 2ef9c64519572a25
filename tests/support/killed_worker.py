"""A worker that ends, as by kill -9, after it has announced a link and before Temporal has the result."""

import asyncio
import os
from typing import Any

from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

import temporal
from catalog import catalog as catalogs
from messages.relationship import Situation
from store.db.pool import create_pool
from tests.support.harness import Harness


class Dies(Interceptor):
    """Ends the process when an activity finds that nothing is missing any more."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Dying(next)


class _Dying(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        result = await super().execute_activity(input)
        if isinstance(result, Situation) and result.missing is None:
            os._exit(9)
        return result


async def main(database: str, address: str, tenant: str) -> None:
    """Runs a worker until the process ends."""
    client = await Client.connect(address, plugins=[temporal.plugin()])
    harness = Harness(await create_pool(database, 4), catalogs.load(), client, tenant)
    harness.channels.silent = True
    async with harness.worker(interceptors=[Dies()]):
        await asyncio.Event().wait()
