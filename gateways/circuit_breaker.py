"""Circuit breaker for one owner: closed, open, half-open."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from errors import Unsent

FAILURES = 20
"""Failures in a row after which the circuit opens. Fewer may be chance at an owner that merely fails often."""
SHORTEST, LONGEST = 1.0, 15.0
"""Seconds that the circuit stays open: they double. The owner's Retry-After may be longer."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Clock:
    """Two clocks, so that tests can set them. ``monotonic``: seconds; ``now``: for messages and dates in replies."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Attempt:
    """One request that the circuit let through."""


class Circuit:
    """Closed: all requests pass. Open: none, until the pause is over. Half-open: one passes, and decides."""

    def __init__(self, owner: str, clock: Clock) -> None:
        self._owner = owner
        self._clock = clock
        self._failures = 0
        self._failing: set[str] = set()
        self._since = clock.now()
        self._why = ""
        self._pause = 0.0  # 0: closed
        self._until = 0.0
        self._probe: Attempt | None = None

    def check(self) -> None:
        """Raises Unsent if no request may pass now; the message says since when, why, and when the next attempt is."""
        left = self._left()
        if not self._pause or (left <= 0 and self._probe is None):
            return
        then = f"next attempt in {math.ceil(left)} s" if left > 0 else "an attempt is under way"
        unavailable = f"{self._owner} is unavailable since {self._since:%H:%M:%S} UTC: {self._why}; {then}"
        raise Unsent(unavailable, retry_after=left if left > 0 else SHORTEST)

    @contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Surrounds one request, which reports its outcome by ``succeeded`` or ``failed``. A half-open circuit lets the
        next request pass if it reports neither, being cancelled. Raises Unsent as ``check`` does."""
        self.check()
        attempt = Attempt()
        if self._pause:
            self._probe = attempt
        try:
            yield attempt
        finally:
            if self._probe is attempt:
                self._probe = None

    def succeeded(self) -> None:
        """Closes the circuit: the owner answered, whatever its answer."""
        if self._pause:
            log.info("owner is available again", owner=self._owner, unavailable_since=self._since.isoformat())
        self._failures, self._pause, self._probe = 0, 0.0, None
        self._failing.clear()

    def failed(self, attempt: Attempt, why: str, retry_after: float = 0.0, key: str = "") -> float:
        """Counts a failure. Returns the seconds after which to retry, at least ``retry_after``, which the owner gave.

        ``key``: of a request that the owner answered. The same key counts once: its request alone may be at fault.
        """
        probed = self._probe is attempt
        if not self._pause or probed:  # requests sent before the circuit opened do not count
            self._failures += key not in self._failing
            if key:
                self._failing.add(key)
            self._why = why
            if self._failures == 1:
                self._since = self._clock.now()
            if probed or self._failures >= FAILURES:
                self._open(retry_after)
        return max(SHORTEST, retry_after, self._left())

    def _open(self, retry_after: float) -> None:
        opened = not self._pause
        self._pause = min(self._pause * 2, LONGEST) or SHORTEST
        wait = max(self._pause, retry_after)
        self._until = self._clock.monotonic() + wait
        if opened:
            log.warning("owner is unavailable", owner=self._owner, reason=self._why, next_attempt_in=wait)

    def _left(self) -> float:
        return self._until - self._clock.monotonic() if self._pause else 0.0
