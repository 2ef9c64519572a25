"""Why children of operations are skipped or parked: codes and details, which the store keeps, and the sentences made of
them.

The sentences are only shown. Whatever is decided is decided by the codes.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol

from messages.operation_reasons import EndReason, ReasonDetails, describe_reason

SkipCode = Literal[
    "left_and_returned",
    "recreated",
    "parent_recreated",
    "of_new_life",
    "parent_deleted_again",
    "not_merged",
    "not_known",
]
"""Why a child was skipped although it is in its parent: it left the parent, and came back by another fact; it
was deleted and created again; the parent was created again before the child was requested; a fact named
the parent after that was created again; a later deletion of the parent is responsible for the child. Of a loser of a
merge: it is not merged any more; no fact about it is known, so there is nothing to retire."""

ParkCode = Literal["request_refused", "attempts_exhausted", "not_confirmed", "restricted", "target_deleted"]
"""Why a child was parked: the request was refused, by its owner or because it cannot be sent; too many attempts failed;
the owner accepted the request, and no fact confirmed it in time; a child of its own restricts its deletion; the target
of its move is deleted."""


class ParkReason(NamedTuple):
    """A code with its details."""

    code: ParkCode
    details: ReasonDetails = ReasonDetails()


class ReasonedChild(Protocol):
    """What a sentence about a child of an operation is made of: columns of its row."""

    @property
    def skip_reason(self) -> SkipCode | None: ...
    @property
    def park_reason(self) -> ParkCode | None: ...
    @property
    def details(self) -> ReasonDetails | None: ...
    @property
    def last_error(self) -> str: ...


def describe_child(row: ReasonedChild) -> str:
    """Why a child is skipped, parked or failing, without a full stop; empty if there is nothing to say."""
    if row.skip_reason is not None:
        return _SKIPPED[row.skip_reason]
    if row.park_reason is not None:
        return _PARKED[row.park_reason](row.details or ReasonDetails(), row.last_error)
    return row.last_error


def _not_confirmed(details: ReasonDetails, last_error: str) -> str:
    since = datetime.fromisoformat(details["since"]).astimezone(UTC)
    why = f": {last_error}" if last_error else ""
    return f"requested at {since:%Y-%m-%d %H:%M} UTC, and no fact has confirmed it{why}"


_SKIPPED: dict[SkipCode, str] = {
    "left_and_returned": "it left its parent, and came back by another fact",
    "recreated": "it was deleted and created again",
    "parent_recreated": "its parent was created again before it was requested",
    "of_new_life": "a fact named its parent after that was created again, so it belongs to the new one",
    "parent_deleted_again": "its parent was deleted again: it belongs to that deletion",
    "not_merged": "it is not merged any more",
    "not_known": "no fact about it is known, so there is nothing to retire",
}
_PARKED: dict[ParkCode, Callable[[ReasonDetails, str], str]] = {
    "request_refused": lambda _, last_error: last_error,
    "attempts_exhausted": lambda _, last_error: last_error,
    "not_confirmed": _not_confirmed,
    "restricted": lambda details, _: describe_reason(EndReason("restricted", details)),
    "target_deleted": lambda details, _: describe_reason(EndReason("entity_deleted", details)),
}
