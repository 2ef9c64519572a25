"""What goes in and out of the workflows of operations: moves, deletions with their cascades, plans."""

from datetime import datetime
from typing import Any

from pydantic import Field, ValidationError

from messages.workflow_ids import Message, Subject, subject_of


class Carried(Message):
    """What goes over into the next run of a workflow whose history has grown long."""

    facts: int = 0
    asked: str = ""
    runs: int = 0


class Begin(Subject):
    """A workflow's input. Its id says the same, and decides; what it carries is its own business."""

    carried: Carried = Carried()


def begun(id: str, workflow: str, given: Any) -> Begin | None:
    """What a workflow of this kind and id serves; None if nothing tells."""
    subject = subject_of(id, workflow, given)
    if subject is None:
        return None
    try:
        carried = Begin.model_validate(given).carried
    except ValidationError:
        carried = Carried()
    return Begin(**subject.model_dump(), carried=carried)


class Look(Message):
    """A subject at a time: the workflow's, which decides whether a deadline has passed."""

    subject: Subject
    now: datetime


class Ask(Message):
    """An owner is to be asked what an operation needs."""

    subject: Subject
    operation: str


class Counts(Message):
    """How far an operation is, in children."""

    pending: int = Field(default=0, description="Not come to yet, when it was looked last.")
    found: int = Field(default=0, description="Come to so far: asked for, refused, or found to be gone.")
    done: int = Field(default=0, description="Of these: as it was wished, by the owner's own fact.")
    spared: int = Field(default=0, description="Of these: not there any more when it was their turn.")
    parked: int = Field(default=0, description="Of these: refused by their owner.")


class Todo(Message):
    """Children of one relationship that are to be asked for, and their owner."""

    relationship: str
    owner: str
    command: str


class Standing(Message):
    """Where an operation stands. An empty ``operation``: nothing is under way."""

    operation: str = ""
    kind: str = ""
    asks: str = Field(default="", description="The command that the owner is to be asked, or was; empty: none.")
    owner: str = ""
    awaited: str = Field(default="", description="What is waited for, in words.")
    due: datetime | None = None
    todo: list[Todo] = Field(default_factory=list, description="Those with children that are to be asked for now.")
    sweeping: list[Todo] = Field(
        default_factory=list, description="All whose children are concerned, asked for or not."
    )
    outstanding: int = Field(default=0, description="Children asked for, whose facts have not come.")
    counts: Counts = Counts()
    reason: str = ""
    newer: bool = False

    def words(self) -> str:
        """For people: what it is doing."""
        why = f"; {self.reason}" if self.reason else ""
        if self.todo or self.outstanding:
            counts = self.counts
            total = counts.found + counts.pending
            parked = f", {counts.parked} parked" if counts.parked else ""
            owners = ", ".join(sorted({f"{todo.command} at {todo.owner}" for todo in self.sweeping}))
            waits = f"; waiting for {self.outstanding} facts" if self.outstanding else ""
            return f"{counts.done + counts.spared} of {total} seen to{parked}: {owners}{waits}{why}"
        due = f", due {self.due:%Y-%m-%d %H:%M} UTC" if self.due is not None else ""
        return f"waiting for {self.awaited}{due}{why}"


class Sweep(Message):
    """Some children of one relationship are to be asked for."""

    subject: Subject
    operation: str
    relationship: str
    after: str = ""
    again: bool = Field(default=False, description="Those too whose facts have not come, if they may have been missed.")


class Swept(Message):
    """What became of them. ``after``: where to go on; null: that was all."""

    asked: int = 0
    gone: int = Field(default=0, description="Their owner knows nothing of them, or not there.")
    parked: int = 0
    failing: int = 0
    after: str | None = None
    away: str = Field(default="", description="Why the owner cannot be asked now.")
    pause: float = Field(default=0, description="Seconds that the owner wants to be left alone.")


class Ended(Message):
    """A workflow's result, in words for people."""

    says: str


class Progress(Message):
    """The answer to the query ``progress``."""

    says: str
    facts: int = Field(description="Facts this workflow was told of.")
    runs: int = Field(description="Runs before this one, which made way as their histories grew long.")
    standing: Standing | None
