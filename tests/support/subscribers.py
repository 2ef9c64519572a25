"""Consumers with a webhook, whose deliveries are made step by step, without a workflow."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from activities.support.delivering import Delivering
from catalog.catalog import Catalog
from gateways.webhooks import Webhooks
from store.consumers import registrations
from store.consumers.registrations import Registration
from store.db.pool import Pool
from store.deliveries import commands, webhooks
from store.deliveries.commands import UndeliveredRow
from store.deliveries.runs import Next, Runs
from store.deliveries.webhooks import WebhookRow
from tests.support.harness import bring_deadlines_forward
from tests.support.receivers import SECRET, Receivers


async def subscribe(
    pool: Pool,
    tenant: str,
    name: str,
    filter: Mapping[str, Any] | None = None,
    *,
    batch: int = 100,
    consent: bool = False,
    offset: str | None = None,
) -> None:
    """Registers a consumer with a webhook at a host of its name."""
    wanted = Registration(dict(filter or {}), offset, 3600, "")
    await registrations.register(pool, tenant, name, wanted, "test")
    await webhooks.put(
        pool,
        tenant,
        name,
        url=f"https://{name}.example/hook",
        secret=SECRET,
        keep_secret=True,
        batch=batch,
        consented=not consent,
        actor="test",
    )


class Subscriber:
    """One consumer of a tenant. Its receiver is the host of its name among ``receivers``."""

    def __init__(self, pool: Pool, catalog: Catalog, tenant: str, name: str = "shop") -> None:
        self.pool = pool
        self.tenant = tenant
        self.name = name
        self.host = f"{name}.example"
        self.receivers = Receivers()
        self.runs = Runs(pool, catalog, tenant, name)
        sender = Webhooks(transport=self.receivers.transport, resolve=self.receivers.resolve)
        self._delivering = Delivering(pool, catalog, sender, self.runs, math.inf)

    async def step(self) -> bool:
        """Makes one step; returns whether there was anything to do."""
        look = await self.runs.look()
        return look is not None and await self._delivering.step(look)

    async def run(self) -> Next:
        """Makes all steps that are due; returns when the next one is."""
        while await self.step():
            pass
        return await self.runs.rest()

    async def forward(self, duration: timedelta) -> None:
        """Sets the clock forward, by making everything older."""
        await bring_deadlines_forward(self.pool, self.tenant, duration)

    async def finish(self) -> None:
        """Makes steps and sets the clock forward, until nothing is to be delivered or retried."""
        while (left := await self.run()).next is not None:
            await self.forward(left.next - left.now)

    async def webhook(self) -> WebhookRow:
        return await webhooks.find(self.pool, self.tenant, self.name)

    async def undelivered(self) -> list[UndeliveredRow]:
        return await commands.page(self.pool, self.tenant, self.name, "", 1_000)

    @property
    def subjects(self) -> list[str]:
        """Subjects of the accepted events, in the order of their arrival."""
        return self.receivers.subjects(self.host)

    @property
    def ids(self) -> list[str]:
        """Ids of the accepted events."""
        return [event["id"] for event in self.receivers.accepted.get(self.host, [])]
