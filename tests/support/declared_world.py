"""Plays what Tether would request, by declarations alone: no database, only lives, requests and their effects.

Owners do what they are requested to, at any time and in any order, and create what was deleted under its old key: so
whatever could go on for ever has a chance to.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from catalog.relationship import Cascade, Relationship, Through

At = tuple[str, str]
"""(kind, key)."""


@dataclass(eq=False)
class Life:
    """One life of an entity. ``parents``: field, or name of the relationship that requested it → key of the parent."""

    parents: dict[str, str] = field(default_factory=dict)
    live: bool = True


MOST = 5_000
"""Steps after which a world counts as one that does not end: those that end take a few hundred."""
State = tuple[frozenset[Any], frozenset[Any]]
"""What is live and under which parents, and what is on its way; the same for another life of the same kind."""


class Creation(NamedTuple):
    """A request that a parent's counterpart is created."""

    relationship: Relationship
    parent: str
    parents: dict[str, str]


class Deletion(NamedTuple):
    """A request that one life of an entity ends."""

    entity: At
    life: Life


@dataclass
class World:
    """Entities, each with its newest life, and the requests that are on their way."""

    relationships: Mapping[str, Relationship]
    random: Random
    entities: dict[At, Life] = field(default_factory=dict)
    pending: list[Creation | Deletion] = field(default_factory=list)

    def ends(self) -> bool:
        """Lets requests be sent and take effect, in a random order, until nothing is left to do; returns False if the
        world comes back to a state in which it was: then all that happened since can happen again, without end. Or if
        it grows without end."""
        seen: set[State] = set()
        while (state := self._state()) not in seen and len(seen) < MOST:
            seen.add(state)
            possible: list[Creation | Deletion] = [*self._creations(), *self._deletions()]
            if possible and (not self.pending or self.random.random() < 0.5):
                self.pending.append(self.random.choice(possible))
            elif self.pending:
                self._arrive(self.pending.pop(self.random.randrange(len(self.pending))))
            else:
                return True
        return False

    def _state(self) -> State:
        entities = {(at, life.live, frozenset(life.parents.items())) for at, life in self.entities.items()}
        pending = Counter(
            (r.relationship.name, r.parent, frozenset(r.parents.items()))
            if isinstance(r, Creation)
            else (r.entity, r.life.live, r.life is self.entities[r.entity])
            for r in self.pending
        )
        return frozenset(entities), frozenset(pending.items())

    def _creations(self) -> list[Creation]:
        found = []
        for rel in self.relationships.values():
            if rel.requested is None:
                continue
            sent = {r.parent for r in self.pending if isinstance(r, Creation) and r.relationship is rel}
            for (kind, key), life in self.entities.items():
                if kind == rel.parent and life.live and key not in sent and not self._children(rel, key):
                    parents = self._filled(rel, key, life)
                    if parents is not None:
                        found.append(Creation(rel, key, parents))
        return found

    def _filled(self, rel: Relationship, key: str, life: Life) -> dict[str, str] | None:
        """The fields of a command; None: a path leads nowhere yet."""
        assert rel.requested is not None
        fields = {}
        for name, source in rel.requested.fields.items():
            if isinstance(source, Through):
                up, down = self.relationships[source.up], self.relationships[source.down]
                above = self._parent(up, life)
                reached = self._children(down, above) if above is not None and self._lives(up.parent, above) else []
                if not reached:
                    return None
                fields[name] = self.random.choice(reached)
            elif source in life.parents:
                fields[name] = life.parents[source]
        return fields

    def _deletions(self) -> list[Deletion]:
        found = []
        for rel in self.relationships.values():
            if isinstance(rel.on_parent_deleted, Cascade):
                for (kind, key), life in self.entities.items():
                    parent = self._parent(rel, life) if kind == rel.child and life.live else None
                    if parent is not None and not self._lives(rel.parent, parent, unknown=True):
                        found.append(Deletion((kind, key), life))
        return [deletion for deletion in found if deletion not in self.pending]

    def _arrive(self, request: Creation | Deletion) -> None:
        if isinstance(request, Deletion):
            request.life.live = False
            return
        at = request.relationship.child, f"{request.relationship.name} of {request.parent}"
        if at not in self.entities or not self.entities[at].live:
            self.entities[at] = Life({request.relationship.name: request.parent, **request.parents})

    def _children(self, rel: Relationship, parent: str) -> list[str]:
        return [
            key
            for (kind, key), life in self.entities.items()
            if kind == rel.child and life.live and self._parent(rel, life) == parent
        ]

    def _parent(self, rel: Relationship, life: Life) -> str | None:
        return life.parents.get(rel.field if rel.field is not None else rel.name)

    def _lives(self, kind: str, key: str, *, unknown: bool = False) -> bool:
        life = self.entities.get((kind, key))
        return unknown if life is None else life.live
