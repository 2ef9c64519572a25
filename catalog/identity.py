"""The classes with which an owner declares that keys of a kind are, or must never be, the same entity.

``class PersonMerged(Merged, entity="person")`` with the fields ``survivor: str`` and ``losers: list[str]``; or, where
the fact is about the loser, ``class CompanyMerged(Merged, entity="company", survivor="into")`` with the field
``into: str``. A kind with such a class can be merged through Tether's API too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from catalog.vocabulary import Command, Fact


class IdentityEffect(StrEnum):
    """What a fact says about a pair of keys of one kind."""

    MERGED = "merged"
    UNMERGED = "unmerged"
    FORBIDDEN = "forbidden"
    ALLOWED = "allowed"
    """They are forbidden no more."""


class SurvivorRule(StrEnum):
    """Which key of merged ones remains."""

    DECLARED = "declared"
    """The one named as the survivor. Where several are: the smallest that is no loser; in a circle: the smallest."""
    SMALLEST_KEY = "smallest_key"
    """The smallest, by the bytes of its UTF-8, whatever the facts name."""


class FieldRule(StrEnum):
    """Which value of a field merged records have together."""

    NEWEST = "newest"
    """That of the newest fact that set it."""
    SURVIVOR = "survivor"
    """The survivor's, or none."""
    FIRST_NON_EMPTY = "first_non_empty"
    """The first that is neither null nor empty: the survivor's, then those of the losers by key."""
    UNION = "union"
    """The elements of all, each once: the survivor's first. A value that is no list counts as its one element."""


@dataclass(frozen=True)
class MergePolicy:
    """How records of a kind are merged. ``fields``: the rules of some; ``otherwise``: that of all other fields.

    ``retire``: the command that the owner is sent for each loser of a merge that a caller requested, once the merge has
    been proven to conserve everything. It takes the loser's key in its field marked ``Key``, and the survivor's in its
    field ``survivor``; the owner retires the record and publishes that it was deleted. None: losers stay as they are.
    """

    survivor: SurvivorRule = SurvivorRule.DECLARED
    fields: Mapping[str, FieldRule] = field(default_factory=dict)
    otherwise: FieldRule = FieldRule.NEWEST
    retire: type[Command] | None = None

    def rule(self, name: str) -> FieldRule:
        """The rule of one field."""
        return self.fields.get(name, self.otherwise)


class IdentityFact(Fact):
    """A fact about which keys are the same entity. Declare subclasses of the four below."""

    identity: ClassVar[IdentityEffect]


class _Merging(IdentityFact):
    survivor_field: ClassVar[str] = "survivor"
    losers_field: ClassVar[str] = "losers"

    def __init_subclass__(
        cls, entity: str = "", version: int = 1, survivor: str = "survivor", losers: str = "losers", **kwargs: Any
    ) -> None:
        super().__init_subclass__(entity=entity, version=version, **kwargs)
        cls.survivor_field, cls.losers_field = survivor, losers


class Merged(_Merging):
    """The losers are the same entity as the survivor, and go on as that.

    ``survivor``, ``losers``: the names of the fields; without a field for the losers, the fact is about the one loser.
    ``policy``: how records are merged; one for each kind.
    """

    identity = IdentityEffect.MERGED
    policy: ClassVar[MergePolicy | None] = None

    def __init_subclass__(cls, policy: MergePolicy | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.policy = policy


class Unmerged(_Merging):
    """The losers are not the same entity as the survivor after all. Its fields are declared as those of ``Merged``."""

    identity = IdentityEffect.UNMERGED


class MergeForbidden(IdentityFact):
    """Two keys, in the fields ``one`` and ``other``, must never be merged, by whatever chain."""

    identity = IdentityEffect.FORBIDDEN


class MergeForbiddenLifted(IdentityFact):
    """Two keys, in the fields ``one`` and ``other``, may be merged again."""

    identity = IdentityEffect.ALLOWED
