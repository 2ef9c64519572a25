"""How much tests try of inputs that are many: a part, or all with ``make test HYPOTHESIS=thorough``."""

import os
from collections.abc import Sequence
from random import Random, SystemRandom
from typing import TypeVar

T = TypeVar("T")

_chosen = os.environ.get("HYPOTHESIS", "")
assert _chosen in ("", "thorough"), f"HYPOTHESIS may be thorough, or not set; it is {_chosen}"

THOROUGH = _chosen == "thorough"
"""Whether tests try everything they can. The part that they try else is another one in each run."""
TIMES = 10
"""Examples of a property test when it is thorough, for each one by default."""


def examples(count: int) -> int:
    """Returns how many examples a property test tries: ``count`` by default, TIMES as many when thorough."""
    return count * TIMES if THOROUGH else count


def some(inputs: Sequence[T], count: int) -> list[T]:
    """Returns ``count`` of the inputs in their order, or all when thorough. Prints the seed that chose them."""
    if THOROUGH or count >= len(inputs):
        return [*inputs]
    seed = SystemRandom().randrange(2**32)
    print(f"{count} of {len(inputs)}, chosen by the seed {seed}")  # noqa: T201
    return [inputs[n] for n in sorted(Random(seed).sample(range(len(inputs)), count))]
