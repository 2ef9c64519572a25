"""Reads operations, and follows their progress until they have ended."""

import asyncio
from time import monotonic

from examples.demo.play import TIMEOUT, StepTimedOut
from examples.demo.stage import Stage
from examples.demo.tether import Json

OPEN = ("waiting", "requested", "running")
"""States of an operation that has not ended."""

GLANCE, LINE = 0.1, 1.0
"""Seconds between two reads of an operation, and between two lines about its progress."""


async def operation(on: Stage, id: str) -> Json:
    """The operation, as the API answers. Raises Refusal."""
    return await on.tether.request("GET", f"operations/{id}")


async def state(on: Stage, id: str) -> str:
    """The present state of an operation."""
    return str((await operation(on, id))["state"])


async def ended(on: Stage, id: str) -> Json | None:
    """The operation, once it has ended; None before."""
    found = await operation(on, id)
    return None if found["state"] in OPEN else found


async def watched(on: Stage, id: str, *, done: int | None = None, within: float = TIMEOUT) -> Json:
    """Prints the progress of an operation until it has ended, or ``done`` children are confirmed.

    Returns the operation. Raises StepTimedOut after ``within`` seconds.
    """
    begun, printed, line = monotonic(), 0.0, ""
    while True:
        found = await operation(on, id)
        over = found["state"] not in OPEN or (done is not None and found["progress"]["confirmed"] >= done)
        if (now := progress_line(found)) != line and (over or monotonic() - printed >= LINE):
            printed, line = monotonic(), now
            on.play.say(now)
        if over:
            return found
        if monotonic() - begun > within:
            raise StepTimedOut(f"operation {id}", within, found["progress"])
        await asyncio.sleep(GLANCE)


def progress_line(operation: Json) -> str:
    """State and progress in one line: ``running: 2 confirmed, 1 skipped of 3``."""
    progress = operation["progress"]
    counts = ", ".join(f"{progress[name]} {name}" for name in ("confirmed", "skipped", "parked") if progress[name])
    return f"{operation['state']}: {counts or 'none confirmed'} of {progress['total']}"
