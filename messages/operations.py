"""What goes in and out of the workflows of operations (moves, deletions with their cascades, plans) and their
activities."""

from datetime import datetime
from typing import Any

from pydantic import Field, ValidationError

from messages.base import Message, formerly
from messages.progress import CarryOver
from messages.workflow_ids import Subject, subject_of


class OperationInput(Subject):
    """The workflow's input. The dispatcher gives a subject; ``carried`` comes from the run before."""

    carried: CarryOver = CarryOver()

    @property
    def subject(self) -> Subject:
        """What the workflow is about."""
        return Subject(**self.model_dump(exclude={"carried"}))


def operation_input(id: str, workflow: str, given: Any) -> OperationInput | None:
    """The input of the workflow of this kind and id: the id decides what it is about, whatever else ``given`` says.

    None if neither names a subject with this id.
    """
    subject = subject_of(id, workflow, given)
    if subject is None:
        return None
    try:
        carried = OperationInput.model_validate(given).carried
    except ValidationError:
        carried = CarryOver()
    return OperationInput(**subject.model_dump(), carried=carried)


class OperationStep(Message):
    """Input of the activities that look at operations."""

    subject: Subject


class OperationRequest(Message):
    """Input of the activities that send an operation's request to an owner."""

    subject: Subject
    operation: str


class ChildCounts(Message):
    """How many children an operation has processed."""

    remaining: int = formerly("pending", 0, description="Not processed yet, when they were counted last.")
    found: int = Field(default=0, description="Processed so far: requested, parked, or found to be skipped.")
    confirmed: int = formerly("done", 0, description="Of these: confirmed by a fact of their owner.")
    skipped: int = formerly("spared", 0, description="Of these: no longer concerned.")  # former name
    parked: int = Field(default=0, description="Of these: refused by their owner.")


class ChildRequests(Message):
    """Children of one relationship that an operation concerns, their owner, and the command it is sent for each."""

    relationship: str
    owner: str
    command: str


class OperationStatus(Message):
    """What an operation does or waits for. An empty ``operation``: none is under way."""

    operation: str = Field(default="", description="Its id.")
    ended_life: str = Field(
        default="",
        description="Id of the operation that processes the children of an ended life of the entity, which exists "
        "again, while `operation` is about its next deletion; empty: there are no two.",
    )
    kind: str = ""
    command: str = formerly("asks", "", description="Sent to the owner, or to be; empty: none.")  # former name
    owner: str = ""
    awaited: str = Field(default="", description="What is waited for, for people.")
    due: datetime | None = None
    to_request: list[ChildRequests] = formerly("todo", [], description="Those with children to request now.")
    concerned: list[ChildRequests] = formerly("sweeping", [], description="All of the operation, requested or not.")
    stop_at: datetime | None = Field(
        default=None, description="Nothing more is requested from then on, where the policy is to stop."
    )
    unconfirmed: int = formerly("outstanding", 0, description="Children requested, whose facts have not come.")
    counts: ChildCounts = ChildCounts()
    reason: str = Field(default="", description="Why it is stuck, for people; empty: it is not.")
    newer: bool = Field(default=False, description="Whether facts came that this does not take into account.")
    now: datetime | None = Field(
        default=None, description="The database's clock at this look; null: of an earlier version, or unimportant."
    )

    def describe(self) -> str:
        """One line for people: how far the operation is, what it waits for, and why it is stuck."""
        why = f"; {self.reason}" if self.reason else ""
        if self.to_request or self.unconfirmed:
            counts = self.counts
            total = counts.found + counts.remaining
            parked = f", {counts.parked} parked" if counts.parked else ""
            owners = ", ".join(sorted({f"{each.command} at {each.owner}" for each in self.concerned}))
            waits = f"; waiting for {self.unconfirmed} facts" if self.unconfirmed else ""
            return f"{counts.confirmed + counts.skipped} of {total} children done{parked}: {owners}{waits}{why}"
        due = f", due {self.due:%Y-%m-%d %H:%M} UTC" if self.due is not None else ""
        return f"waiting for {self.awaited}{due}{why}"


class SweepInput(Message):
    """Input of the activity ``sweep``: children of one relationship are to be requested."""

    subject: Subject
    operation: str
    relationship: str
    after: str = Field(default="", description="Cursor: where to go on; empty: at the beginning.")
    repeat: bool = formerly(
        "again", False, description="Whether those are requested again whose facts have not come, perhaps missed."
    )


class SweepResult(Message):
    """What became of the children that one ``sweep`` processed."""

    requested: int = formerly("asked", 0)  # former name
    gone: int = Field(default=0, description="Their owner answered that they do not exist, or not there.")
    parked: int = 0
    failing: int = 0
    after: str | None = Field(default=None, description="Cursor: where to go on; null: that was all.")
    unavailable: str = formerly("away", "", description="Why the owner cannot be sent requests now.")
    retry_after: float = formerly("pause", 0.0, description="Seconds until the owner wants the next request.")


class OperationResult(Message):
    """The workflow's result, for people."""

    description: str = formerly("says")
