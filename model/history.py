"""The facts of one entity, and what of them counts at present."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from catalog.vocabulary import Effect
from model.facts import ModelFact
from model.order import Stated, without_arrival
from model.state import EntityState

Rank: TypeAlias = tuple[bool, Stated | tuple[()]]
NEVER_CREATED: Rank = (True, ())
"""The rank of a live child of which only changes are known."""


class History(NamedTuple):
    """The facts of one entity, in their order, and those that decide its state."""

    facts: list[ModelFact]
    """All of them, explicit links and facts about single keys of lists included."""
    published: list[ModelFact]
    """Those of its owner that say something about its state; empty: only links refer to it."""
    current: list[ModelFact]
    """The facts after the newest deletion, explicit links included."""
    deleted: ModelFact | None
    """The newest deletion."""
    created: ModelFact | None
    """The newest creation after the newest deletion."""

    @property
    def state(self) -> EntityState:
        """Its state by its own facts: that of an entity that was not merged."""
        if not self.published:
            return "unknown"
        # A change alone makes an entity live: its creation happened before Tether knew its owner.
        return "live" if self.deleted is None or self.created is not None else "deleted"

    @property
    def last_life(self) -> Life:
        """Its present life, or if it has none the newest one that it had."""
        if self.state != "deleted":
            return Life(self.current, self.deleted)
        found, before = Life([], None), None
        facts: list[ModelFact] = []
        for fact in self.facts:
            if fact.effect is not Effect.DELETED:
                facts.append(fact)
                continue
            began = Effect.CREATED if before is not None else None
            if any(f.effect is not None and began in (None, f.effect) for f in facts):
                found = Life(facts, before, fact)
            before, facts = fact, []
        return found


class Life(NamedTuple):
    """One life of an entity. ``facts``: those of it, in their order; ``after``: the deletion before it, ``until``: the
    one that ended it, if any."""

    facts: list[ModelFact]
    after: ModelFact | None
    until: ModelFact | None = None

    @property
    def rank(self) -> Rank:
        """Sorts the children of one parent: by their newest creation in this life, those without one last."""
        created = _last(self.facts, Effect.CREATED)
        return NEVER_CREATED if created is None else (False, without_arrival(created.order))


def history(facts: list[ModelFact]) -> History:
    """Returns the history of one entity from its facts, which are in their order."""
    published = [fact for fact in facts if fact.effect is not None]
    deleted = _last(published, Effect.DELETED)
    current = facts if deleted is None else facts[facts.index(deleted) + 1 :]
    return History(facts, published, current, deleted, _last(current, Effect.CREATED))


def _last(facts: list[ModelFact], effect: Effect) -> ModelFact | None:
    return next((fact for fact in reversed(facts) if fact.effect is effect), None)
