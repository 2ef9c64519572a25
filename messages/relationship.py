"""What goes in and out of RelationshipWorkflow and its activities."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import Field, ValidationError

from messages.base import Message, formerly
from messages.progress import CarryOver
from messages.wait_reasons import describe_obstacle
from messages.workflow_ids import Subject, subject_id


class RelationshipInstance(Message):
    """One instance of a relationship: all that a service needs to know to start its workflow."""

    tenant: str
    relationship: str
    parent: str = Field(description="Key of the parent entity.")

    @property
    def subject(self) -> Subject:
        """What its workflow is about."""
        return Subject(tenant=self.tenant, workflow="relationship", about=self.relationship, key=self.parent)


def workflow_id(instance: RelationshipInstance) -> str:
    """``tenant/relationship/key``."""
    return subject_id(instance.subject)


def instance_of(id: str) -> RelationshipInstance | None:
    """The instance whose workflow has this id; None if the id names none, or holds the hash of a long key."""
    parts = [unquote(part) for part in id.split("/")]
    if len(parts) != 3 or not all(parts):
        return None
    instance = RelationshipInstance(tenant=parts[0], relationship=parts[1], parent=parts[2])
    return instance if workflow_id(instance) == id else None


class RelationshipInput(RelationshipInstance):
    """The workflow's input. A service gives an instance; ``carried`` comes from the run before."""

    carried: CarryOver = CarryOver()


def relationship_input(id: str, given: Any) -> RelationshipInput | None:
    """The input of the workflow with this id: the id decides which instance it is, whatever else ``given`` says.

    The input decides only where the id holds the hash of a key. None if neither names an instance with this id.
    """
    try:
        parsed: RelationshipInput | None = RelationshipInput.model_validate(given)
    except ValidationError:
        parsed = None
    named = instance_of(id)
    if named is not None:
        carried = parsed.carried if parsed is not None else CarryOver()
        return RelationshipInput(**named.model_dump(), carried=carried)
    return parsed if parsed is not None and workflow_id(parsed) == id else None


class RelationshipStep(Message):
    """Input of the activities ``proceed`` and ``notify_overdue``."""

    instance: RelationshipInstance
    cause: str | None = Field(default=None, description="Id of the fact that woke the workflow last.")


class Situation(Message):
    """What an instance waits for or has, as of a revision. Times are UTC."""

    revision: int
    parent_kind: str
    child_kind: str
    missing: Literal["parent", "child"] | None = formerly("lacks", None)  # former name
    owner: str = formerly("debtor", "", description="Owner of the missing entity.")  # former name
    awaited_fact: str = formerly("awaited", "", description="Type of the fact that is waited for: ChannelCreated.")
    waiting_since: datetime | None = formerly("since", None)
    due: datetime | None = None
    overdue_notified: bool = formerly("told", False, description="RelationshipOverdue is published.")  # former name
    last_error: str = formerly("note", "", description="What the owner said last, such as a refusal.")
    missing_links: list[str] = Field(default=[], description="Relationships whose links have to come first.")
    command: str = formerly("asks", "", description="Requests the child; empty: none can be sent.")  # former name
    incarnation: str = Field(default="", description="Incarnation of the parent.")
    operations_due: datetime | None = Field(default=None, description="When the first waiting operation expires.")
    children: int = 0
    newer: bool = Field(default=False, description="Whether facts came that this does not take into account.")
    now: datetime | None = Field(
        default=None, description="The database's clock at this look; null: of an earlier version, or unimportant."
    )

    def is_overdue(self, now: datetime) -> bool:
        """Whether the deadline has passed and RelationshipOverdue is not published yet."""
        return self.missing is not None and not self.overdue_notified and self.due is not None and self.due <= now

    def next_due(self) -> datetime | None:
        """The earliest deadline of the missing entity and of waiting operations; None: nothing is waited for."""
        missing_due = self.due if self.missing is not None and not self.overdue_notified else None
        return min((due for due in (missing_due, self.operations_due) if due is not None), default=None)

    def describe(self, state: str) -> str:
        """One line for people: what the instance waits for, or how many children are linked."""
        if self.missing:
            obstacle = describe_obstacle(self.last_error, self.missing_links)
            return (
                f"{state}: {self.awaited_fact or self.missing} from {self.owner}"
                f" since {self.waiting_since:%Y-%m-%d %H:%M}, due {self.due:%Y-%m-%d %H:%M} UTC"
                f"{obstacle and f'; {obstacle}'}"
            )
        if self.operations_due is not None:
            return f"{state}: both sides of an explicit link, until {self.operations_due:%Y-%m-%d %H:%M} UTC"
        return f"nothing is missing; {self.children} linked"


class RelationshipResult(Message):
    """The workflow's result. ``over``: nothing is missing and nothing is linked."""

    state: Literal["complete", "overdue", "over"]
    description: str = formerly("says")
