"""What the answers of owners mean: two truth tables. ``docs/owners.md`` says the same to owners.

The status alone decides. A body is never taken for a fact and never decides; it is only shown.
"""

from collections.abc import Container
from enum import Enum, auto
from typing import Literal

from errors import Contradicted, Failed, Gone, Outdated, Refused, TetherError, Unavailable

RequestKind = Literal["counterpart", "move", "deletion", "child"]
"""A request for a missing child; for a move; for the deletion of an entity that a caller requested; for one of the many
children of an operation, which is deleted, detached or moved."""

ATTEMPTS = 10
"""Attempts of a single request that its owner may contradict; then it is refused. With their pauses: 2.5 minutes."""
LONGEST_PAUSE = 30.0
"""Seconds: pauses between contradicted attempts double from one second up to this."""

_EVERY = range(1000)

# The first row that fits decides. None: accepted.
STATUSES: tuple[tuple[Container[int], type[TetherError] | None], ...] = (
    (range(200, 300), None),
    ((404, 410), Gone),
    ((412,), Outdated),
    ((409,), Contradicted),
    ((408, 425, 429, 502, 503, 504), Unavailable),  # not now, or no service behind a proxy
    (range(300, 500), Refused),
    (_EVERY, Failed),  # 500 and its like; a status that is none of HTTP (RFC 9110 §15), or no final one
)


class Step(Enum):
    """What is done after an answer."""

    AWAIT = auto()
    """Nothing more is sent: the owner's fact is awaited."""
    RETRY = auto()
    """It is sent again under the same Idempotency-Key, until the deadline; for a child without limit."""
    LIMITED = auto()
    """As RETRY, but after some attempts it counts as refused: the owner contradicts it, perhaps only until a fact that
    is on its way arrives."""
    RENEW = auto()
    """As LIMITED, under another Idempotency-Key and with the parent that is known by then. An owner that stores its
    answers would repeat them under the first one."""
    REFUSE = auto()
    """Final: an operation ends refused, a child is parked, a wait shows the reason until its deadline."""


_Steps = dict[RequestKind, Step]
_ALL_AWAIT: _Steps = dict.fromkeys(("counterpart", "move", "deletion", "child"), Step.AWAIT)
_ALL_RETRY: _Steps = dict.fromkeys(("counterpart", "move", "deletion", "child"), Step.RETRY)
_ALL_LIMITED: _Steps = dict.fromkeys(("counterpart", "move", "deletion", "child"), Step.LIMITED)
_ALL_REFUSE: _Steps = dict.fromkeys(("counterpart", "move", "deletion", "child"), Step.REFUSE)

STEPS: dict[type[TetherError] | None, _Steps] = {
    None: _ALL_AWAIT,
    Refused: _ALL_REFUSE,
    # What is to be deleted is deleted already, and its fact is on its way; or a proxy answers without its service.
    Gone: _ALL_LIMITED | {"deletion": Step.RETRY},
    Outdated: _ALL_LIMITED | {"move": Step.RENEW, "child": Step.RENEW},
    # A request under the same key may be in progress (draft-ietf-httpapi-idempotency-key-header): the key stays, unless
    # the child's known parent has changed.
    Contradicted: _ALL_LIMITED,
    Unavailable: _ALL_RETRY,
    # A child at which its owner fails while it serves others is parked after some attempts.
    Failed: _ALL_RETRY | {"child": Step.LIMITED},
}


def error_of(status: int) -> type[TetherError] | None:
    """The class of errors that a status stands for; None: the request was accepted."""
    return next(error for statuses, error in STATUSES if status in statuses)


def blames_owner(status: int) -> bool:
    """Whether the status says that the owner as a whole is unavailable, which its circuit breaker counts."""
    return error_of(status) is Failed or status in (429, 502, 503, 504)


def step(kind: RequestKind, error: TetherError | None) -> Step:
    """What is done after the answer to a request of this kind. ``error``: as raised by ``Owners.send``; None: none."""
    if error is None:
        return STEPS[None][kind]
    return next(STEPS[one] for one in type(error).__mro__ if one in STEPS)[kind]


def pause(contradictions: int) -> float:
    """Seconds until the next attempt of a request that was contradicted so often, from once on."""
    return min(2.0 ** max(contradictions - 1, 0), LONGEST_PAUSE)
