"""Which sealed facts of one entity no fold can need the bodies of, whatever facts may still arrive.

See docs/decisions/0039-retention.md. A fact is *outlived* by a later one that will always come after it: by the order
of both, and where a sequence may begin again, by what decides between restarts. That is time where both state one, and
arrival where neither does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.vocabulary import Effect
from facts.envelope import nanoseconds_of
from facts.identity import OWN_EFFECTS
from facts.reading import read_as
from store.write.ledger import effect_of

_NEEDED = frozenset({"Linked.v1", "Unlinked.v1", "FactVoided.v1", *OWN_EFFECTS})
"""Tether's own facts that decide the state: all others were notifications."""


class SealedFact(NamedTuple):
    """A row of ``sealed_facts``. ``names``: the fields of its data; None: it is empty already. ``voided_at``: the
    revision at which it was voided; None: it was not. ``data``: of an older version, before they are read."""

    kind: str
    key: str
    source: str
    id: str
    type: str
    position: int
    time: datetime | None
    time_nanoseconds: int
    names: list[str] | None
    voided_at: int | None
    data: dict[str, Any] | None


@dataclass(slots=True)
class _Latest:
    """The latest time, and the latest arrival without a time, of some facts that come after others in the order."""

    time: int | None = None
    position: int = 0

    def add(self, time: int | None, position: int) -> None:
        if time is None:
            self.position = max(self.position, position)
        elif self.time is None or time > self.time:
            self.time = time

    def outlives(self, time: int | None, position: int) -> bool:
        """Whether one of them outlives a fact that they come after."""
        if time is None:
            return position < self.position
        return self.time is not None and time <= self.time


@dataclass(slots=True)
class _Life:
    """What later facts of an entity decide. ``merging``: what a deletion has ended still contributes, if its entity is
    merged, or lists its children, until its life was followed by another one."""

    merging: bool
    fields: dict[str, _Latest] = field(default_factory=dict)
    creations: _Latest = field(default_factory=_Latest)
    deletions: _Latest = field(default_factory=_Latest)

    def needs(self, names: Iterable[str], time: int | None, position: int) -> bool:
        """Whether a fold may need these fields of a fact that comes before all that were added."""
        if self.deletions.outlives(time, position):
            return False
        return self.merging or not all(
            name in self.fields and self.fields[name].outlives(time, position) for name in names
        )

    def add(self, effect: Effect, names: Iterable[str], time: int | None, position: int) -> None:
        """Adds the fact that comes before all that were added."""
        if effect is Effect.CREATED:
            self.creations.add(time, position)
        if effect is not Effect.DELETED:
            for name in names:
                self.fields.setdefault(name, _Latest()).add(time, position)
        elif not self.merging or self.creations.outlives(time, position):
            self.deletions.add(time, position)


class UnneededBodies:
    """Says of one fact after the other whether its body can be emptied.

    The facts are the sealed ones of one entity after the other, each time the last in their order without restarts
    first, without those that are empty already and neither create nor delete.
    """

    def __init__(self, catalog: Catalog, sealed: int) -> None:
        """``sealed``: the revision up to which facts are sealed."""
        self._catalog = catalog
        self._sealed = sealed
        self._entity = ("", "")
        self._life = _Life(merging=False)

    def has(self, fact: SealedFact) -> bool:
        """Whether the body of the next fact can be emptied."""
        if self._entity != (fact.kind, fact.key):
            self._entity = fact.kind, fact.key
            listing = self._catalog.listing.get(fact.kind, ())
            self._life = _Life(fact.kind in self._catalog.contracts.merging or any(r.parent_lists for r in listing))
        if fact.source == OWN_SOURCE:
            return bool(fact.names) and fact.type not in _NEEDED
        effect = effect_of(self._catalog, fact.source, fact.type)
        if effect is None:  # not declared any more, about identity, or activity
            return False
        if fact.voided_at is not None:
            return bool(fact.names) and fact.voided_at <= self._sealed
        time, names = nanoseconds_of(fact.time, fact.time_nanoseconds), self._carried(fact)
        needed = effect is not Effect.DELETED and self._life.needs(names, time, fact.position)
        self._life.add(effect, names, time, fact.position)
        return bool(fact.names) and not needed

    def _carried(self, fact: SealedFact) -> Iterable[str]:
        """The fields that a fact carries, as its version is read."""
        if fact.data is None:
            return fact.names or ()
        return read_as(self._catalog.contracts, fact.type, fact.data)
