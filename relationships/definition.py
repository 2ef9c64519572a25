"""The words in which a relationship is declared."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from contracts.vocabulary import Command

KEY_LENGTH = 512
"""Characters in an entity's key, at most: two of them fit into one index entry."""


def as_key(value: object) -> str | None:
    """The key that a reference names: a text that is not empty, or an integer; anything else names nobody."""
    if type(value) is str:
        return value if 0 < len(value) <= KEY_LENGTH else None
    return str(value) if type(value) is int else None


class Cardinality(StrEnum):
    """How many children a parent may have."""

    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"


ONE_TO_ONE = Cardinality.ONE_TO_ONE
ONE_TO_MANY = Cardinality.ONE_TO_MANY


class OnParentDeleted(StrEnum):
    """What becomes of the children of a parent that is gone."""

    KEEP = "keep"
    """They stay as they are; their links are ``broken``, and that is visible."""


KEEP = OnParentDeleted.KEEP


class Orchestrate(StrEnum):
    """When an instance of a relationship has a workflow of its own."""

    WHEN_LATE = "when-late"
    """Only while a parent is missing for longer than ``patience``."""
    ALWAYS = "always"
    """From its first fact on."""


@dataclass(frozen=True)
class Wait:
    """How long a missing counterpart is waited for.

    ``deadline``: after it the link is ``overdue`` and its owner is told; a late fact still completes it.
    ``patience``: how long rows alone wait before a workflow is started; most disorder lasts seconds.
    """

    deadline: timedelta
    patience: timedelta = timedelta(seconds=60)


@dataclass(frozen=True)
class Asked:
    """The child is asked for: its owner gets ``command`` when a parent has none.

    ``fields`` maps the command's fields to fields of the parent. The owner copies the command's correlation
    id unread into the fact that follows, which is how the child is known to belong to the parent.
    """

    command: type[Command]
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Relationship:
    """A child refers to a parent. The name is that of the variable it is assigned to.

    ``via`` is the child's field that names the parent's key, or ``Asked(…)``.
    ``announce`` is the name of the fact that tells the world of a completed link, ``GroupChannelLinked``.
    """

    parent: str
    child: str
    via: str | Asked
    cardinality: Cardinality = ONE_TO_MANY
    on_missing: Wait = Wait(deadline=timedelta(hours=24))
    on_parent_deleted: OnParentDeleted = KEEP
    announce: str = ""
    orchestrate: Orchestrate | None = None
    name: str = ""

    @property
    def asked(self) -> Asked | None:
        """The way the child is asked for, if it is."""
        return self.via if isinstance(self.via, Asked) else None

    @property
    def field(self) -> str | None:
        """The child's field that names the parent, if there is one."""
        return self.via if isinstance(self.via, str) else None

    @property
    def always(self) -> bool:
        """Whether every instance has a workflow from its first fact on: the default where there are commands."""
        if self.orchestrate is None:
            return self.asked is not None
        return self.orchestrate is Orchestrate.ALWAYS

    @property
    def exclusive(self) -> bool:
        """Whether a parent has at most one child."""
        return self.cardinality is ONE_TO_ONE
