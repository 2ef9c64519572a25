"""The classes with which an owner declares its facts and commands.

A fact is one class; its wire type is the class's name and version: ``GroupCreated`` → ``GroupCreated.v1``.
A second version is another class, ``class GroupCreatedV2(Created, entity="group", version=2)``, published as
``GroupCreated.v2``; ``upcast`` of ``catalog/upcasting.py`` reads the first as the second. A fact of another system
keeps its own type: ``class IssueMoved(Changed, entity="issue", type="com.example.issues.moved")``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from catalog.key_forms import KeyForm


class Effect(StrEnum):
    """What a fact does to its entity."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


class OnSequenceRestart(StrEnum):
    """What a creation means whose sequence is not after that of the entity's deletion, although its time is."""

    REPORT = "report"
    """It is older than the deletion: it changes nothing, and the answer to its sender says so."""
    NEW_INCARNATION = "new_incarnation"
    """The owner begins its sequence again for a key that is used again: a new incarnation begins."""


@dataclass(frozen=True)
class Owner:
    """The service that owns the kinds declared in this module; ``name`` is its name in credentials and settings.

    ``sources``: the CloudEvents ``source`` of its facts, which paths below it extend; by default ``/name``. Ids are
    unique within a source, so an owner's API key may publish facts from its own sources only: no other owner can use up
    its ids. ``on_sequence_restart``: what it means if a deleted key is created with a sequence that is not greater.
    ``keys``: kind → the normal form of its keys, where they are spelled in several ways: ``keys={"user": CaseFolded}``.
    """

    name: str
    sources: tuple[str, ...] = ()
    on_sequence_restart: OnSequenceRestart = OnSequenceRestart.REPORT
    keys: Mapping[str, KeyForm] = field(default_factory=dict)

    def publishes_from(self, source: str) -> bool:
        """Whether a source is one of this owner's, or a path below one."""
        own = self.sources or (f"/{self.name}",)
        return any(source == one or source.startswith(f"{one.rstrip('/')}/") for one in own)


@dataclass(frozen=True)
class KeyField:
    """Marks the field that holds the entity's key."""


Key = Annotated[str, KeyField()]
"""The entity's key as a field of the data. Without one, the key is the CloudEvents ``subject``.

In a command: the key of the entity that is to be changed.
"""


@dataclass(frozen=True)
class ExpectedParentField:
    """Marks the field of a command that holds its precondition."""


ExpectedParent = Annotated[str | None, ExpectedParentField()]
"""In a command: the parent that the entity must still have, a precondition; its owner refuses with 412 otherwise. null
means that it must have none, and can be sent only in a body."""


class Fact(BaseModel):
    """One past-tense event about one entity. Declare subclasses of Created, Changed or Deleted."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    effect: ClassVar[Effect | None] = None
    """None: it says nothing about the state of its entity."""
    entity: ClassVar[str] = ""
    version: ClassVar[int] = 1
    declared_type: ClassVar[str] = ""
    """The CloudEvents ``type``, where it does not follow from the name of the class: ``type="customer.created"``."""

    def __init_subclass__(cls, entity: str = "", version: int = 1, type: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if entity:
            cls.entity = entity
            cls.version = version
            cls.declared_type = type

    @classmethod
    def fact_name(cls) -> str:
        """The name without its version: how signals are named, ``GroupCreated``."""
        return cls.__name__.removesuffix(f"V{cls.version}")

    @classmethod
    def wire_type(cls) -> str:
        """The CloudEvents ``type``: the declared one, or ``GroupCreated.v1``."""
        return cls.declared_type or f"{cls.fact_name()}.v{cls.version}"


class Created(Fact):
    """The entity was created; a deleted key may be created again."""

    effect = Effect.CREATED


class Changed(Fact):
    """Some of the entity's fields changed; the fact carries those fields."""

    effect = Effect.CHANGED


class Deleted(Fact):
    """The entity was deleted, and its fields with it."""

    effect = Effect.DELETED


class Command(BaseModel):
    """An HTTP request that the owner of its module carries out.

    ``class CreateChannel(Command, method="POST", path="/channels")``; the path may name fields, ``/teams/{team_id}``.
    The other fields are the JSON body, or the query where the method is DELETE. ``deletes="event"`` says that the
    command deletes an entity of that kind, which makes the kind deletable through Tether. ``erases="user"``: the owner
    erases its own data of that entity, and is requested to when Tether has erased its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: ClassVar[str] = ""
    path: ClassVar[str] = ""
    deletes: ClassVar[str] = ""
    erases: ClassVar[str] = ""

    def __init_subclass__(
        cls, method: str = "", path: str = "", deletes: str = "", erases: str = "", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.erases = erases
        cls.method = method
        cls.path = path
        cls.deletes = deletes

    @classmethod
    def marked(cls, mark: type[KeyField] | type[ExpectedParentField]) -> str | None:
        """The name of the field with this mark, if there is one."""
        marks = ((name, one) for name, field in cls.model_fields.items() for one in field.metadata)
        return next((name for name, one in marks if isinstance(one, mark)), None)
