"""What goes in and out of the workflows of relationships, and what all workflows hear."""

from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import ConfigDict, Field, ValidationError
from temporalio.common import SearchAttributeKey

from messages.workflow_ids import Message, Subject, subject_id

TASK_QUEUE = "tether"

RELATIONSHIP = SearchAttributeKey.for_keyword("TetherRelationship")
ENTITY = SearchAttributeKey.for_keyword("TetherEntity")
OWNER = SearchAttributeKey.for_keyword("TetherOwner")
STATE = SearchAttributeKey.for_keyword("TetherState")


class Instance(Message):
    """One instance of a relationship: all that any service needs to know to start its workflow."""

    tenant: str
    relationship: str
    parent: str = Field(description="Key of the parent entity.")

    @property
    def subject(self) -> Subject:
        """What its workflow is about."""
        return Subject(tenant=self.tenant, workflow="relationship", about=self.relationship, key=self.parent)


def workflow_id(instance: Instance) -> str:
    """``tenant/relationship/key``."""
    return subject_id(instance.subject)


def instance_of(id: str) -> Instance | None:
    """The instance whose workflow has this id; None if the id does not tell."""
    parts = [unquote(part) for part in id.split("/")]
    if len(parts) != 3 or not all(parts):
        return None
    instance = Instance(tenant=parts[0], relationship=parts[1], parent=parts[2])
    return instance if workflow_id(instance) == id else None


class Nudge(Message):
    """A signal of the dispatcher's: the fact (source, id), in the ledger at that revision, concerns you.

    An empty id: no fact, but time to look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str
    id: str
    revision: int


class Told(Message):
    """A signal of a service's own: a fact by its name, and the CloudEvent as it came, which may be anything."""

    name: str
    body: str


def heard(name: str, payload: bytes) -> Nudge | Told:
    """What a signal says. Never fails: what is wrong with a fact is found where facts are recorded."""
    try:
        return Nudge.model_validate_json(payload)
    except ValidationError:
        return Told(name=name, body=payload.decode("utf-8", "backslashreplace"))


class Report(Message):
    """A service's own facts, to be recorded by the workflow that was told of them."""

    instance: Instance
    told: list[Told]


class Moment(Message):
    """An instance at a time: the workflow's, which decides whether a deadline has passed."""

    instance: Instance
    now: datetime
    cause: str | None = Field(default=None, description="Id of the fact that woke the workflow last.")


class Situation(Message):
    """Where an instance stands, as of a revision. Times are UTC."""

    revision: int
    parent_kind: str
    child_kind: str
    lacks: Literal["parent", "child"] | None = None
    debtor: str = Field(default="", description="The owner whose fact is lacking.")
    awaited: str = Field(default="", description="The fact that is waited for, ChannelCreated.")
    since: datetime | None = None
    due: datetime | None = None
    told: bool = Field(default=False, description="Whether the debtor was told that it is overdue.")
    note: str = Field(default="", description="Why it still waits: an owner's refusal, say.")
    asks: str = Field(default="", description="The command that asks for the child; empty: it is not asked for.")
    incarnation: str = Field(default="", description="Which life of the parent this is.")
    operations_due: datetime | None = Field(default=None, description="When the first waiting operation expires.")
    children: int = 0
    newer: bool = Field(default=False, description="Whether there is something that was not seen yet: look again.")

    def is_overdue(self, now: datetime) -> bool:
        """Whether the debtor is to be told that its time has passed."""
        return self.lacks is not None and not self.told and self.due is not None and self.due <= now

    def next_due(self) -> datetime | None:
        """The first deadline of what is waited for; None: nothing is."""
        lacking = self.due if self.lacks is not None and not self.told else None
        return min((due for due in (lacking, self.operations_due) if due is not None), default=None)

    def words(self, state: str) -> str:
        """For people: what it waits for, or what it has."""
        if self.lacks:
            note = f"; {self.note}" if self.note else ""
            return (
                f"{state}: {self.awaited or self.lacks} from {self.debtor}"
                f" since {self.since:%Y-%m-%d %H:%M}, due {self.due:%Y-%m-%d %H:%M} UTC{note}"
            )
        if self.operations_due is not None:
            return f"{state}: both sides of an explicit link, until {self.operations_due:%Y-%m-%d %H:%M} UTC"
        return f"nothing is lacking; {self.children} linked"


class Outcome(Message):
    """A workflow's result, in words for people."""

    state: Literal["complete", "overdue", "over"]
    says: str


class Progress(Message):
    """The answer to the query ``progress``."""

    says: str
    facts: int = Field(description="Facts this run was told of.")
    situation: Situation | None


class Carried(Message):
    """What goes over into the next run of a workflow whose history has grown long."""

    facts: int = 0
    asked: str = ""
    cause: str | None = None


class Begin(Instance):
    """A workflow's input: an Instance is enough, the rest is its own business."""

    carried: Carried = Carried()


def begun(id: str, given: Any) -> Begin | None:
    """What a workflow serves: the instance that its id names, whatever else its input says; None if nothing tells."""
    try:
        begin: Begin | None = Begin.model_validate(given)
    except ValidationError:
        begin = None
    named = instance_of(id)
    if named is not None:
        return Begin(**named.model_dump(), carried=begin.carried if begin is not None else Carried())
    return begin if begin is not None and workflow_id(begin) == id else None
