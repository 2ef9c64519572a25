"""Work that takes time, as those who asked for it see it: how far it is, and what keeps it."""

import asyncio
from time import monotonic

from examples.demo.play import TIMEOUT, InVain
from examples.demo.stage import Stage
from examples.demo.tether import Json

OPEN = ("waiting", "requested", "running")
"""States of an operation that has not ended."""

GLANCE, LINE = 0.1, 1.0
"""Seconds between two looks at one, and between two lines about how far it is."""


async def operation(on: Stage, id: str) -> Json:
    """All that Tether says of it."""
    return await on.tether.ask("GET", f"operations/{id}")


async def state(on: Stage, id: str) -> str:
    """Of an operation, now."""
    return str((await operation(on, id))["state"])


async def ended(on: Stage, id: str) -> Json | None:
    """The operation, once it has ended."""
    found = await operation(on, id)
    return None if found["state"] in OPEN else found


async def watched(on: Stage, id: str, *, done: int | None = None, within: float = TIMEOUT) -> Json:
    """Tells how far it is, until so many children are done, or it has ended. Raises InVain."""
    begun, told, line = monotonic(), 0.0, ""
    while True:
        found = await operation(on, id)
        over = found["state"] not in OPEN or (done is not None and found["progress"]["confirmed"] >= done)
        if (said := far(found)) != line and (over or monotonic() - told >= LINE):
            told, line = monotonic(), said
            on.play.say(said)
        if over:
            return found
        if monotonic() - begun > within:
            raise InVain(f"operation {id}", within, found["progress"])
        await asyncio.sleep(GLANCE)


def far(operation: Json) -> str:
    """How far it is, in a line."""
    progress = operation["progress"]
    counts = ", ".join(f"{progress[name]} {name}" for name in ("confirmed", "skipped", "parked") if progress[name])
    return f"{operation['state']}: {counts or 'none confirmed'} of {progress['total']}"
