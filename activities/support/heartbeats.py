"""Keeps Temporal informed that an activity which waits for long is alive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity


@asynccontextmanager
async def heartbeats(what: str) -> AsyncIterator[None]:
    """Reports every second, within the block, that the activity is alive: owners may be slow, and all of their slots be
    taken. ``what``: what it does, for people."""
    reporting = asyncio.create_task(_report(what))
    try:
        yield
    finally:
        reporting.cancel()


async def _report(what: str) -> None:
    while True:
        await asyncio.sleep(1)
        activity.heartbeat(what)
