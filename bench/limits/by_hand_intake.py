"""The API of the workflow written by hand: a group's fact starts one, a channel's fact is signalled to it.

Run as ``python -m bench.limits.by_hand_intake PORT``, with ``TEMPORAL_*`` in the environment.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Request
from temporalio.client import Client

import temporal
from bench.limits.by_hand import TASK_QUEUE, GroupChannelByHand
from devstack.ports import LOOPBACK

AT_ONCE = 16
"""Concurrent calls to Temporal, as in Tether's dispatcher."""


def application() -> FastAPI:
    """Builds the service."""
    clients: list[Client] = []
    slots = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        clients.append(await temporal.connect())
        yield

    app = FastAPI(lifespan=lifespan)

    async def publish(event: dict[str, Any]) -> None:
        async with slots:
            if event["type"] == "GroupCreated.v1":
                group, name = event["subject"], event["data"]["name"]
                id = f"by-hand-{group}"
                await clients[0].start_workflow(
                    GroupChannelByHand.run, args=[group, name], id=id, task_queue=TASK_QUEUE
                )
            else:
                handle = clients[0].get_workflow_handle(event["correlationid"])
                await handle.signal("ChannelCreated", event["subject"])

    @app.post("/v1/events", status_code=202)
    async def accept(request: Request) -> dict[str, Any]:
        facts = orjson.loads(await request.body())
        events = facts if isinstance(facts, list) else [facts]
        await asyncio.gather(*(publish(event) for event in events))
        return {"accepted": len(events), "duplicates": 0, "quarantined": []}

    return app


def main() -> None:
    """Serves with the settings of ``tether serve``."""
    app = application()
    uvicorn.run(app, host=LOOPBACK, port=int(sys.argv[1]), log_level="warning", access_log=False, backlog=4096)


if __name__ == "__main__":
    main()
