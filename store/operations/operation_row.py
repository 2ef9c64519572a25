"""One row of ``operations``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from messages.operation_reasons import EndCode, ReasonDetails, StuckCause

OperationKind = Literal["link", "unlink", "move", "delete", "cascade", "detach", "merge", "unmerge"]
OperationWorkflow = Literal["relationship", "move", "cascade", "plan", "merge"]
OperationState = Literal[
    "waiting", "requested", "running", "done", "incomplete", "refused", "expired", "superseded", "cancelled"
]

OPEN: tuple[OperationState, ...] = ("waiting", "requested", "running")
"""States of operations that have not ended."""

BEFORE_END: tuple[OperationState, ...] = ("waiting", "requested")
"""States of a deletion before the entity is deleted."""


@dataclass(frozen=True, slots=True)
class OperationRow:
    """The columns in the order of the table; ``comment on column`` in the migrations says what each is."""

    tenant: str
    id: str
    kind: OperationKind
    relationship: str | None
    parent: str | None
    child: str | None
    state: OperationState
    last_error: str
    actor: str
    created_at: datetime
    due: datetime | None
    ended_at: datetime | None
    revision: int | None
    workflow: OperationWorkflow
    about: str
    key: str
    plan: str | None
    former_parent: str | None
    incarnation: str | None
    confirmed_by: str | None
    requested_at: datetime | None
    cancelled_at: datetime | None
    stuck_since: datetime | None
    found: int
    requested: int
    confirmed: int
    skipped: int
    parked: int
    remaining: int
    requested_after: bytes | None
    cause: str | None
    stuck_cause: StuckCause | None
    stuck_relationship: str | None
    stuck_details: ReasonDetails | None
    unanswered_attempt: bool
    ended_because: EndCode | None
    end_details: ReasonDetails | None
    owner_may_still_act: bool
    contradictions: int
    renewals: int
    position: int

    def expired(self, now: datetime) -> bool:
        """Whether its deadline has passed; one without a deadline never expires."""
        return self.due is not None and self.due <= now
