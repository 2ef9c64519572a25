"""The worker of the workflow written by hand, with the settings of Tether's worker.

Run as ``python -m bench.limits.by_hand_worker CHANNELS``, the base URL of the channels service, with the
database's URL on stdin and ``TEMPORAL_*`` in the environment.
"""

import asyncio
import sys

import asyncpg
from temporalio import activity
from temporalio.worker import Worker

import temporal
from bench.limits.by_hand import TASK_QUEUE, GroupChannelByHand
from catalog.owner_request import OwnerRequest
from contracts.channels import CreateChannel
from gateways.owners import Owners

_LINK = """
insert into plain.links (tenant, from_revision, since, relationship, child, parent)
values ('by-hand', 0, now(), 'group_channel', $2, $1) on conflict do nothing
"""
_ANNOUNCEMENT = """
insert into plain.facts (tenant, revision, received, source, id, type, kind, key, order_key, data, digest)
values ('by-hand', 0, now(), '/tether', 'announce-' || $2::text, 'GroupChannelLinked.v1', 'channel', $2, '',
        json_build_object('parent', $1::text, 'child', $2::text), '')
on conflict do nothing
"""


class Activities:
    """The activities: the command to the owner of channels, and the rows of the link and its announcement."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", owners: Owners) -> None:
        self._pool = pool
        self._owners = owners

    @activity.defn(name="request")
    async def request(self, id: str, name: str) -> None:
        """Requests a channel from its owner. Raises Refused or Unavailable."""
        command = CreateChannel(name=name)
        await self._owners.send(OwnerRequest("", "channels", command, idempotency_key=id, correlation=id))

    @activity.defn(name="announce")
    async def announce(self, group: str, channel: str) -> None:
        """Inserts the link and its announcement in one transaction."""
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(_LINK, group, channel)
            await conn.execute(_ANNOUNCEMENT, group, channel)


async def main() -> None:
    """Works until the process is ended."""
    client = await temporal.connect()
    async with (
        asyncpg.create_pool(sys.stdin.readline().strip(), min_size=1, max_size=8) as pool,
        Owners({"channels": sys.argv[1]}) as owners,
    ):
        activities = Activities(pool, owners)
        worker = Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=[GroupChannelByHand],
            activities=[activities.request, activities.announce],
            max_concurrent_activities=100,
            max_concurrent_local_activities=32,
            max_concurrent_workflow_tasks=50,
            max_cached_workflows=2_000,
        )
        async with worker:
            print("ready", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
