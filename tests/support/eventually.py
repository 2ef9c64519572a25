"""Polls for a condition, so that tests wait for events and never for an amount of time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT = 120.0
"""Seconds after which a condition that is still false fails the test."""
INTERVAL = 0.01
LONGEST_INTERVAL = 0.1
"""Seconds between two calls of a condition: a twentieth of the time waited so far, between these."""


async def eventually(condition: Callable[[], Awaitable[T]], seconds: float = TIMEOUT) -> T:
    """Calls the condition until it returns a true value, and returns that.

    The condition may block: it is cancelled at the deadline. AssertionError with its last value after ``seconds``.
    """
    value = None
    try:
        began = time.monotonic()
        async with asyncio.timeout(seconds) as deadline:
            while not (value := await condition()):
                await asyncio.sleep(_interval(began))
    except TimeoutError:
        if not deadline.expired():
            raise
        raise AssertionError(f"still {value!r} after {seconds:g} s") from None
    return value


async def eventually_true(condition: Callable[[], T], seconds: float = TIMEOUT) -> T:
    """Calls a plain function like ``eventually``, for tests whose event loop must keep running."""

    async def asynchronous() -> T:
        return condition()

    return await eventually(asynchronous, seconds)


def eventually_sync(condition: Callable[[], T], seconds: float = TIMEOUT) -> T:
    """Calls a plain function like ``eventually``, for tests without an event loop. Blocks the thread."""
    began = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() < began + seconds, f"still {value!r} after {seconds:g} s"
        time.sleep(_interval(began))
    return value


def _interval(began: float) -> float:
    """Seconds until the next call: conditions query databases and workflows, which would slow what they await."""
    return min(max((time.monotonic() - began) / 20, INTERVAL), LONGEST_INTERVAL)
