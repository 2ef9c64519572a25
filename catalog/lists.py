"""The classes with which lists of keys are declared: the field that holds one, and facts that add or remove one key.

``class GroupMemberAdded(Added, entity="group", each="member_ids")`` with a field ``user_id: Element`` adds one key to
the list ``member_ids`` of a group, whose other facts may carry all of it. See docs/decisions/0043-lists.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel

from catalog.vocabulary import Fact

Side = Literal["child", "parent"]


@dataclass(frozen=True)
class Each:
    """The field that holds a list of keys: of parents if it is the child's, of children if it is the parent's.

    ``of``: whose it is, "child" or "parent"; needed only where facts of both kinds have a field of this name.
    """

    field: str
    of: Side | None = None


class ListSides:
    """Which side of a relationship lists keys of the other, if one does."""

    parent: str
    child: str
    via: Any

    @cached_property
    def many(self) -> bool:
        """Whether a child may have several parents: each is an element of a list."""
        return isinstance(self.via, Each)

    @cached_property
    def list_field(self) -> str | None:
        """The field that holds the list of keys, if there is one."""
        return self.via.field if isinstance(self.via, Each) else None

    @cached_property
    def listing_side(self) -> Side:
        """The side that names the other: the parent if its facts list children, else the child."""
        return "parent" if isinstance(self.via, Each) and self.via.of == "parent" else "child"

    @cached_property
    def parent_lists(self) -> bool:
        """Whether the parent lists its children."""
        return self.listing_side == "parent"

    @cached_property
    def listing_kind(self) -> str:
        """The kind whose facts name the other side."""
        return self.parent if self.parent_lists else self.child

    @cached_property
    def element_kind(self) -> str:
        """The kind that is named: links wait for an entity of it that is missing."""
        return self.child if self.parent_lists else self.parent

    def ends(self, listing: str, element: str) -> tuple[str, str]:
        """(child, parent) of a link by the keys of the two sides that list and are listed."""
        return (element, listing) if self.parent_lists else (listing, element)


class OnShared(StrEnum):
    """What a cascade does about a child that has other parents."""

    SKIP = "skip"
    """Nothing, while it has a link of the same relationship to an entity that is not deleted."""
    REQUEST = "request"
    """It is requested like any other."""


SKIP = OnShared.SKIP
REQUEST = OnShared.REQUEST


@dataclass(frozen=True)
class ElementField:
    """Marks the field that holds the key of an element of a list."""


Element = Annotated[str, ElementField()]
"""In a fact that adds or removes an element of a list: that element's key."""


class ElementFact(Fact):
    """A fact about one element of a list of its entity. Declare subclasses of the two below.

    ``each``: the field that holds the list in other facts, and that `Each` names. It changes no field of its entity.
    """

    each: ClassVar[str] = ""
    adds: ClassVar[bool]

    def __init_subclass__(cls, each: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if each:
            cls.each = each


class Added(ElementFact):
    """The element is in the list."""

    adds = True


class Removed(ElementFact):
    """The element is not in the list any more."""

    adds = False


class ElementEffect(NamedTuple):
    """What an element fact does. ``each``: the field of the list; ``field``: its own field with the element's key;
    ``adds``: whether it adds the element; else it removes it."""

    each: str
    field: str
    adds: bool


def element_field(model: type[BaseModel]) -> str | None:
    """The field of a fact or command that is marked as Element; None: there is none."""
    marks = ((name, mark) for name, field in model.model_fields.items() for mark in field.metadata)
    return next((name for name, mark in marks if isinstance(mark, ElementField)), None)


def element_effect(fact: type[Fact]) -> ElementEffect | None:
    """What a fact does to a list; None: it is no element fact, or has no field marked as Element."""
    if not issubclass(fact, ElementFact):
        return None
    marked = element_field(fact)
    return None if marked is None else ElementEffect(fact.each, marked, fact.adds)
