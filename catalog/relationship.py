"""The words in which a relationship is declared."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from catalog.vocabulary import Command

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


class OnParentDeleted:
    """What becomes of the children of a parent that is gone: KEEP, RESTRICT, Cascade(…) or Detach(…)."""

    name: ClassVar[str]


@dataclass(frozen=True)
class Keep(OnParentDeleted):
    """They stay as they are; their links are ``broken``, and that is visible."""

    name: ClassVar[str] = "keep"


@dataclass(frozen=True)
class Restrict(OnParentDeleted):
    """While there are any, Tether does not ask for the parent's deletion. If its owner deletes it all the same, their
    links are ``broken``."""

    name: ClassVar[str] = "restrict"


@dataclass(frozen=True)
class Cascade(OnParentDeleted):
    """Their owner is asked to delete each of them.

    ``command`` takes the child's key in its field marked ``Key``, the parent in the one marked ``ExpectedParent``, and
    its other fields from the child's fields of the same names.
    """

    command: type[Command]
    name: ClassVar[str] = "cascade"


@dataclass(frozen=True)
class Detach(OnParentDeleted):
    """Their owner is asked to clear the reference of each, by a command like that of ``Cascade``."""

    command: type[Command]
    name: ClassVar[str] = "detach"


KEEP = Keep()
RESTRICT = Restrict()


class Orchestrate(StrEnum):
    """When an instance of a relationship has a workflow of its own."""

    WHEN_LATE = "when-late"
    """Only while a parent is missing for longer than ``grace``."""
    ALWAYS = "always"
    """From its first fact on."""


@dataclass(frozen=True)
class Wait:
    """How long a missing counterpart is waited for.

    ``deadline``: after it the link is ``overdue`` and its owner is told; a late fact still completes it.
    ``grace``: how long rows alone wait before a workflow is started; most disorder lasts seconds.
    """

    deadline: timedelta
    grace: timedelta = timedelta(seconds=60)


@dataclass(frozen=True)
class Through:
    """A key that two other relationships lead to: from the parent, which is a child in ``up``, to its parent there,
    and from that one to its child in ``down``, which is one-to-one."""

    up: str
    down: str


@dataclass(frozen=True)
class Requested:
    """The child is asked for: its owner gets ``command`` when a parent has none.

    ``fields`` maps the command's fields to fields of the parent, or to what is reached ``Through`` other
    relationships: until those are linked, nothing is asked. The owner copies the command's correlation id unread
    into the fact that follows, which is how the child is known to belong to the parent.
    """

    command: type[Command]
    fields: dict[str, str | Through] = field(default_factory=dict)

    @property
    def plain(self) -> dict[str, str]:
        """Fields that come from the parent itself."""
        return {name: of for name, of in self.fields.items() if isinstance(of, str)}

    @property
    def through(self) -> dict[str, Through]:
        """Fields that other relationships lead to."""
        return {name: of for name, of in self.fields.items() if isinstance(of, Through)}


@dataclass(frozen=True, eq=False)
class Relationship:
    """A child refers to a parent. The name is that of the variable it is assigned to.

    ``via`` is the child's field that names the parent's key, or ``Requested(…)``.
    ``announce`` is the name of the fact that tells the world of a completed link, ``GroupChannelLinked``.
    ``move`` and ``detach`` are what the child's owner is asked where somebody wants a child moved to another
    parent, or taken out of its parent; their fields are filled as those of ``Cascade``, and the one called like
    ``via`` gets the parent to move to.
    """

    parent: str
    child: str
    via: str | Requested
    cardinality: Cardinality = ONE_TO_MANY
    on_missing: Wait = Wait(deadline=timedelta(hours=24))
    on_parent_deleted: OnParentDeleted = KEEP
    move: type[Command] | None = None
    detach: type[Command] | None = None
    announce: str = ""
    orchestrate: Orchestrate | None = None
    name: str = ""

    @property
    def requested(self) -> Requested | None:
        """The way the child is asked for, if it is."""
        return self.via if isinstance(self.via, Requested) else None

    @property
    def through(self) -> dict[str, Through]:
        """The command's fields that come from other relationships; empty unless the child is requested."""
        return self.requested.through if self.requested is not None else {}

    @property
    def field(self) -> str | None:
        """The child's field that names the parent, if there is one."""
        return self.via if isinstance(self.via, str) else None

    @property
    def always(self) -> bool:
        """Whether every instance has a workflow from its first fact on: the default where there are commands."""
        if self.orchestrate is None:
            return self.requested is not None
        return self.orchestrate is Orchestrate.ALWAYS

    @property
    def sweep(self) -> type[Command] | None:
        """What the child's owner is asked for each child of a parent that is gone; None: nothing."""
        policy = self.on_parent_deleted
        return policy.command if isinstance(policy, Cascade | Detach) else None

    @property
    def exclusive(self) -> bool:
        """Whether a parent has at most one child."""
        return self.cardinality is ONE_TO_ONE
