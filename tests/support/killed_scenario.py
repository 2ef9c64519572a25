"""A process with a worker and owners that ends, as by kill -9, at one step of a move, of a cascade or of a merge."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client

import temporal
from catalog import catalog as catalogs
from examples.people.service import PEOPLE
from gateways.owners import Owners
from store.db.pool import create_pool
from store.operations import children, merges
from tests.support.harness import Harness
from tests.support.scenario import OWNERS, Scenario
from workflows import activity_options

Call = Callable[..., Awaitable[Any]]


def dies_before(call: Call, times: int = 0) -> Call:
    """Returns a call that ends the process instead, after ``times`` calls that are passed on."""
    left = iter(range(times))

    async def dying(*args: Any, **named: Any) -> Any:
        if next(left, None) is None:
            os._exit(9)
        return await call(*args, **named)

    return dying


def dies_after(call: Call) -> Call:
    """Returns a call that ends the process once the original call has returned."""

    async def dying(*args: Any, **named: Any) -> Any:
        await call(*args, **named)
        os._exit(9)

    return dying


def prepare(step: str) -> None:
    """Patches the call that belongs to a step, so that the process ends there."""
    for options in (activity_options.SWEEP, activity_options.COUNT):
        options["heartbeat_timeout"] = timedelta(seconds=2)  # so that the next worker takes over soon
    owner: Any
    dying: Call
    owner, name, dying = {
        "before the first request": (Owners, "send", dies_before(Owners.send)),
        "between requests": (Owners, "send", dies_before(Owners.send, 7)),
        "after the first request": (Owners, "send", dies_after(Owners.send)),
        "before outcomes are stored": (children, "store_outcomes", dies_before(children.store_outcomes)),
        "after outcomes are stored": (children, "store_outcomes", dies_after(children.store_outcomes)),
        "before the merge is recorded": (merges, "advance", dies_before(merges.advance)),
        "after the merge is recorded": (merges, "advance", dies_after(merges.advance)),
        "before the proof is stored": (merges, "store_proof", dies_before(merges.store_proof)),
        "after the proof is stored": (merges, "store_proof", dies_after(merges.store_proof)),
    }[step]
    setattr(owner, name, dying)


async def main(database: str, address: str, tenant: str, folder: Path, step: str) -> None:
    """Runs a worker and owners until the process ends at the step."""
    prepare(step)
    client = await Client.connect(address, plugins=[temporal.plugin()])
    harness = Harness(await create_pool(database, 4), catalogs.load(), client, tenant)
    scenario = Scenario(harness, folder, {**OWNERS, "people": PEOPLE})
    async with scenario.running(), harness.worker():
        await asyncio.Event().wait()
