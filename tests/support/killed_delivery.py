"""A worker that ends, as by kill -9, after a receiver's 2xx and before the position has moved."""

import asyncio
import os

from temporalio.client import Client

import temporal
from catalog import catalog as catalogs
from gateways.webhooks import Delivery, WebhookAnswer, Webhooks
from store.db.pool import create_pool
from tests.support.harness import Harness


class Dying(Webhooks):
    """Ends the process once a receiver has accepted a delivery."""

    async def deliver(self, delivery: Delivery) -> WebhookAnswer:
        """Delivers, and does not return."""
        answer = await super().deliver(delivery)
        if answer.accepted:
            os._exit(9)
        return answer


async def main(database: str, address: str, tenant: str) -> None:
    """Runs a worker until the process ends."""
    client = await Client.connect(address, plugins=[temporal.plugin()])
    harness = Harness(await create_pool(database, 4), catalogs.load(), client, tenant)
    harness.webhooks = Dying(["127.0.0.0/8"])
    async with harness.worker():
        await asyncio.Event().wait()
