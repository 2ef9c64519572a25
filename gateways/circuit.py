"""Leaves an owner alone while it is away, and asks it once in a while whether it is back."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from errors import Unsent

FAILURES = 20
"""In a row, after which an owner is held to be away: fewer come by chance where one merely fails often."""
SHORTEST, LONGEST = 1.0, 15.0
"""Seconds until it is asked again; they double. An owner's own word may be longer."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Clock:
    """``monotonic`` in seconds, for pauses; ``now`` for people, and for dates in replies."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Attempt:
    """One request that the circuit let through."""


class Circuit:
    """Closed: all may ask. Open: nobody, until the pause is over. Then one may, and what comes of it decides."""

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
        """Raises Unsent if nobody may ask now: who is away since when, why, and when it is asked again."""
        left = self._left()
        if not self._pause or (left <= 0 and self._probe is None):
            return
        then = f"next attempt in {math.ceil(left)} s" if left > 0 else "it is being asked again"
        away = f"{self._owner} is away since {self._since:%H:%M:%S} UTC: {self._why}; {then}"
        raise Unsent(away, retry_after=left if left > 0 else SHORTEST)

    @contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Around one request, which says what came of it by ``succeeded`` or ``failed``; one that does neither,
        since it was cancelled, gives its turn back. Raises Unavailable as ``check`` does."""
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
        """The owner answered, whatever it said."""
        if self._pause:
            log.info("an owner answers again", owner=self._owner, away_since=self._since.isoformat())
        self._failures, self._pause, self._probe = 0, 0.0, None
        self._failing.clear()

    def failed(self, attempt: Attempt, why: str, retry_after: float = 0.0, key: str = "") -> float:
        """The owner is away. Returns the seconds after which to come again; ``retry_after``: its own word on it.

        ``key``: of a request that it did answer. The same again counts once: that may be for the request's own sake.
        """
        probed = self._probe is attempt
        if not self._pause or probed:  # what was sent before the circuit opened says nothing new
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
            log.warning("an owner is away", owner=self._owner, reason=self._why, next_attempt_in=wait)

    def _left(self) -> float:
        return self._until - self._clock.monotonic() if self._pause else 0.0
