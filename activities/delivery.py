"""The activity of DeliveryWorkflow. It may run again after a crash: then what was sent last is sent once more, by the
same ids."""

import time

from temporalio import activity

from activities.support.delivering import Delivering
from activities.support.heartbeats import heartbeats
from catalog.catalog import Catalog
from gateways.webhooks import Webhooks
from messages.deliveries import DeliveryStatus, DeliveryStep
from store.db.pool import Pool
from store.db.revision_waiter import RevisionWaiter
from store.deliveries.runs import Look, Next, Runs

SECONDS = 10.0
"""Seconds for which one activity begins new requests; then its workflow looks whether there are signals."""
LINGER = 2.0
"""Seconds to wait for further changes when all are delivered: a steady feed starts no workflow for each of them."""


class DeliveryActivities:
    """Delivers the feed to webhooks."""

    def __init__(self, pool: Pool, catalog: Catalog, webhooks: Webhooks) -> None:
        self._pool = pool
        self._catalog = catalog
        self._webhooks = webhooks
        self._revisions = RevisionWaiter(pool)

    @activity.defn(name="deliver")
    async def deliver(self, step: DeliveryStep) -> DeliveryStatus:
        """Delivers to one consumer for some seconds. Returns when there is something to deliver or to retry next.

        The position moves only after the receiver has accepted the items before it, or they are stored as undelivered.
        """
        tenant, consumer = step.subject.tenant, step.subject.key
        runs = Runs(self._pool, self._catalog, tenant, consumer)
        until = time.monotonic() + SECONDS
        delivering = Delivering(self._pool, self._catalog, self._webhooks, runs, until)
        async with heartbeats("delivering"):
            look = await runs.look()
            while look is not None and (time.monotonic() < until or delivering.page_is_next(look)):
                if not await delivering.step(look) and not await self._linger(tenant, look, until):
                    break
                look = await runs.look()
            left = await runs.rest()
        return DeliveryStatus(
            next=left.next, now=left.now, description=_describe(look, left), delivered=delivering.delivered
        )

    async def _linger(self, tenant: str, look: Look, until: float) -> bool:
        """Waits a little for a change, if nothing else is waited for; returns whether one has come."""
        idle = look.state == "active" and look.retry_at is None and look.due is None
        seconds = min(LINGER, until - time.monotonic())
        return idle and seconds > 0 and await self._revisions.reach(tenant, look.position_revision, seconds)


def _describe(look: Look | None, left: Next) -> str:
    """One line for people: what is delivered where, or why nothing is."""
    if look is None:
        return "the consumer has no webhook"
    if look.state == "disabled":
        return f"disabled: {look.reason}"
    if left.next is None:
        return "everything is delivered, or parked"
    if left.next <= left.now:
        return "delivering"
    why = f": {look.reason}" if look.reason else ""
    what = "an item that failed" if look.retry_at is None else f"after {look.failures} failed attempts"
    return f"next attempt at {left.next:%Y-%m-%d %H:%M:%S} UTC, {what}{why}"
