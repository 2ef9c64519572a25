"""The classes with which a relationship is declared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar

from catalog.key_forms import KeyForm
from catalog.lists import SKIP, Each, ListSides, OnShared, element_field
from catalog.vocabulary import Command

KEY_CHARACTERS = 512
"""Most characters of a key that is in the ledger. Facts that are recorded now are limited in bytes (``limits.KEY``);
earlier versions took keys of 512 characters, up to 2,048 bytes: their facts keep their meaning."""


def as_key(value: object) -> str | None:
    """The key in a reference of a recorded fact: a string of 1 to 512 characters, or an integer; None for any other
    value."""
    if type(value) is str:
        return value if 0 < len(value) <= KEY_CHARACTERS else None
    return str(value) if type(value) is int else None


class Cardinality(StrEnum):
    """How many children a parent may have, and how many parents a child."""

    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


ONE_TO_ONE = Cardinality.ONE_TO_ONE
ONE_TO_MANY = Cardinality.ONE_TO_MANY
MANY_TO_MANY = Cardinality.MANY_TO_MANY


class OnParentDeleted:
    """What happens to the children of a deleted parent: KEEP, RESTRICT, Cascade(…) or Detach(…)."""

    name: ClassVar[str]


@dataclass(frozen=True)
class Keep(OnParentDeleted):
    """They stay as they are; their links become ``broken``, which is visible."""

    name: ClassVar[str] = "keep"


@dataclass(frozen=True)
class Restrict(OnParentDeleted):
    """Tether requests no deletion of a parent that has any. If its owner deletes it nevertheless, their links become
    ``broken``."""

    name: ClassVar[str] = "restrict"


class OnRecreated(StrEnum):
    """How long the children of a deleted parent are requested once it was created again.

    They are those that named it before that: others belong to the new parent, and are never requested.
    """

    STOP = "stop"
    """For one second after the new creation was recorded; the rest stays, and is counted as skipped."""
    FINISH = "finish"
    """Until all are requested, however long that takes."""


STOP = OnRecreated.STOP
FINISH = OnRecreated.FINISH


@dataclass(frozen=True)
class Cascade(OnParentDeleted):
    """Each of them is deleted, by a command to its owner; so are their own children, by the relationships in which they
    are parents. Those may form a cycle: each entity is deleted once.

    ``command`` takes the child's key in its field marked ``Key``, the parent in the one marked ``ExpectedParent``, and
    its other fields from the child's fields of the same names. ``on_recreated``: how long this goes on once the parent
    was created again, STOP or FINISH. ``on_shared``: many-to-many only, and needed there: what becomes of a child that
    has other parents, SKIP or REQUEST.
    """

    command: type[Command]
    on_recreated: OnRecreated = STOP
    on_shared: OnShared | None = None
    name: ClassVar[str] = "cascade"


@dataclass(frozen=True)
class Detach(OnParentDeleted):
    """The reference of each is cleared, by a command to its owner that is filled like that of ``Cascade``; of a list,
    the parent is removed.

    ``on_recreated``: as of ``Cascade``.
    """

    command: type[Command]
    on_recreated: OnRecreated = STOP
    name: ClassVar[str] = "detach"


KEEP = Keep()
RESTRICT = Restrict()


class OnMerge(StrEnum):
    """What becomes of links that a merge would bring together where only one can be."""

    REFUSE = "refuse"
    """The merge is refused. Where an owner has said it: the survivor's own counts, or the newest of the losers' links
    if it has none."""
    KEEP_SURVIVORS = "keep_survivors"
    """The survivor's own counts; those of the losers are set aside until the merge is undone."""
    KEEP_NEWEST = "keep_newest"
    """The newest counts; the others are set aside until the merge is undone."""


class Orchestrate(StrEnum):
    """When a relationship instance has a workflow of its own."""

    WHEN_LATE = "when-late"
    """Only while a parent is missing for longer than ``grace``."""
    ALWAYS = "always"
    """From its first fact."""


@dataclass(frozen=True)
class Wait:
    """How long Tether waits for a missing counterpart.

    ``deadline``: after it the link is ``overdue`` and the counterpart's owner is notified; a late fact still completes
    it. ``grace``: how long the wait is only a row before it gets a workflow, since most facts that arrive out of order
    are seconds late.
    """

    deadline: timedelta
    grace: timedelta = timedelta(seconds=60)


@dataclass(frozen=True)
class Through:
    """A key found over two other relationships: the parent is a child in ``up``; its parent there has one child in
    ``down``, which is one-to-one; the key is that child's."""

    up: str
    down: str


@dataclass(frozen=True)
class Requested:
    """The child is requested: its owner gets ``command`` when a parent has no child.

    ``fields`` maps the command's fields to fields of the parent, or to keys found ``Through`` other relationships; the
    command is sent once those are linked. The owner copies the command's correlation id unread into the fact that
    follows, which shows to which parent the child belongs.
    """

    command: type[Command]
    fields: dict[str, str | Through] = field(default_factory=dict)

    @property
    def plain(self) -> dict[str, str]:
        """Fields that come from the parent itself."""
        return {name: of for name, of in self.fields.items() if isinstance(of, str)}

    @property
    def through(self) -> dict[str, Through]:
        """Fields whose keys are found over other relationships."""
        return {name: of for name, of in self.fields.items() if isinstance(of, Through)}


@dataclass(frozen=True, eq=False)
class Relationship(ListSides):
    """Children of one kind refer to parents of another. Its name is that of the variable, and of the file.

    ``via``: the child's field that holds the parent's key, also within a field, ``via="repository.id"``; or
    ``Requested(…)``; or ``Each("…")``, the field of one side that lists keys of the other, many-to-many.
    ``announce``: the name of the fact that Tether records when a link is complete, ``GroupChannelLinked``.
    ``move``, ``detach``: the commands to the child's owner that move a child to another parent, or clear its parent.
    They are filled like that of ``Cascade``; the field of ``move`` named like ``via`` gets the new parent.
    ``on_merge``: which link counts where entities are merged that had one each.
    """

    parent: str
    child: str
    via: str | Requested | Each
    cardinality: Cardinality = ONE_TO_MANY
    on_missing: Wait = Wait(deadline=timedelta(hours=24))
    on_parent_deleted: OnParentDeleted = KEEP
    move: type[Command] | None = None
    detach: type[Command] | None = None
    announce: str = ""
    orchestrate: Orchestrate | None = None
    on_merge: OnMerge = OnMerge.REFUSE
    name: str = ""
    parent_form: KeyForm | None = None
    """The normal form of its parents' keys, and of the keys in its list; set when the relationship is read."""
    element_form: KeyForm | None = None

    @cached_property
    def requested(self) -> Requested | None:
        """How the child is requested; None: it is not."""
        return self.via if isinstance(self.via, Requested) else None

    @property
    def through(self) -> dict[str, Through]:
        """The command's fields that come from other relationships; empty unless the child is requested."""
        return self.requested.through if self.requested is not None else {}

    @cached_property
    def field(self) -> str | None:
        """The child's field that holds the parent's key, if there is one: a name, or names with dots between them."""
        return self.via if isinstance(self.via, str) else None

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The names that lead to the parent's key in the data of the child; empty if there is no such field."""
        return () if self.field is None else tuple(self.field.split("."))

    @cached_property
    def root(self) -> str | None:
        """The field of the child that holds the parent's key or what it is within: a fact that carries it names the
        parent."""
        return self.path[0] if self.path else None

    @cached_property
    def parameter(self) -> str | None:
        """The field of a command that takes the key of a parent: named like the child's, ``repository_id`` for
        ``repository.id``."""
        if self.many and self.move is not None:
            return element_field(self.move)
        return None if self.field is None else "_".join(self.path)

    @property
    def plain(self) -> bool:
        """Whether the field is one of the child's own, and the parents' keys have any form: as most are."""
        return len(self.path) == 1 and self.parent_form is None

    def value_in(self, data: Mapping[str, Any]) -> Any:
        """What the field holds in data that have its root; None where a name on the way is missing."""
        first, *rest = self.path
        found = data.get(first)
        for name in rest:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    def parent_key(self, value: object) -> str | None:
        """The key of the parent in a reference of a recorded fact, in normal form; None: it names none."""
        key = as_key(value)
        if key is None or self.parent_form is None:
            return key
        return self.parent_form.normal(key) or key

    def element_key(self, value: object) -> str | None:
        """The key in an element of a list, in normal form; None: it is none."""
        key = as_key(value)
        return key if key is None or self.element_form is None else self.element_form.normal(key) or key

    @cached_property
    def always(self) -> bool:
        """Whether each instance has a workflow from its first fact: the default where the child is requested."""
        if self.orchestrate is None:
            return self.requested is not None
        return self.orchestrate is Orchestrate.ALWAYS

    @cached_property
    def sweep(self) -> type[Command] | None:
        """The command sent for each child of a deleted parent, if any."""
        policy = self.on_parent_deleted
        return policy.command if isinstance(policy, Cascade | Detach) else None

    @property
    def skips_shared(self) -> bool:
        """Whether a cascade requests nothing for a child that has other parents."""
        policy = self.on_parent_deleted
        return isinstance(policy, Cascade) and policy.on_shared is SKIP

    @property
    def on_recreated(self) -> OnRecreated | None:
        """How long children are requested once a deleted parent was created again; None: they are not requested.

        Children that Tether requested say for which incarnation of their parent: all of the ended one's are requested.
        """
        policy = self.on_parent_deleted
        if not isinstance(policy, Cascade | Detach):
            return None
        return policy.on_recreated if self.requested is None else FINISH

    @cached_property
    def exclusive(self) -> bool:
        """Whether a parent has at most one child."""
        return self.cardinality is ONE_TO_ONE
