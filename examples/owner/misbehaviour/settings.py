"""Settings of misbehaviour: the probability of each kind of failure; and counts of the failures so far."""

import random
from collections import Counter
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Share: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A probability: 0 is never, 1 is always."""

Way: TypeAlias = Literal[
    "slow", "unavailable_before", "unavailable_after", "busy", "dropped", "duplicated", "reordered"
]


class _StrictSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlowAnswers(_StrictSettings):
    """Requests that take ``seconds`` longer."""

    share: Share = 0
    seconds: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 0


class BusyAnswers(_StrictSettings):
    """Requests that are answered 429; ``retry_after``: seconds."""

    share: Share = 0
    retry_after: Annotated[int, Field(ge=0, le=3600)] = 0


class MisbehaviourSettings(_StrictSettings):
    """The probability of each kind of failure. A slow request may also fail; the kinds are tried in this order: busy,
    dropped, unavailable_before, unavailable_after."""

    slow: SlowAnswers = SlowAnswers()
    unavailable_before: Share = 0
    """Requests that are answered 503 and have no effect."""
    unavailable_after: Share = 0
    """Requests that are answered 503 although they have their effect."""
    busy: BusyAnswers = BusyAnswers()
    dropped: Share = 0
    """Requests whose connection ends without an answer: half of them before their effect, half after it."""
    duplicated: Share = 0
    """Facts that are published again, in a later batch."""
    reordered: Share = 0
    """Facts that are published out of order: half of them in their batch, half of them some batches later."""
    seed: int | None = None
    """Seed of the random decisions: the same requests in the same order fail in the same way; null: random."""


class Misbehaviour:
    """The present settings, and ``struck``: how often each kind of failure happened since the process started."""

    def __init__(self, settings: MisbehaviourSettings | None = None) -> None:
        self.struck: Counter[Way] = Counter()
        self.set(settings or MisbehaviourSettings())

    def set(self, settings: MisbehaviourSettings) -> None:
        """Replaces the settings and restarts the random sequence."""
        self.settings = settings
        self._random = random.Random(settings.seed)

    def strikes(self, way: Way, share: float) -> bool:
        """Decides whether a failure happens now, with the probability ``share``; if so, counts it."""
        struck = self._random.random() < share
        self.struck[way] += struck
        return struck

    def tossed(self) -> bool:
        """True or False with equal probability."""
        return self._random.random() < 0.5

    def up_to(self, limit: int) -> int:
        """A random integer from 0 to ``limit``, both included."""
        return self._random.randint(0, limit)
