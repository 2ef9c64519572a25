"""What a batch of facts changes: computed from the stored registers alone, before anything is written."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts.envelope import Entry
from store.write.entity_state import Register


class Opened(NamedTuple):
    """A link that begins: (relationship, child, parent, rank) and the fact that says so."""

    relationship: Relationship
    child: str
    parent: str
    rank: bytes | None
    cause: Entry


class Closed(NamedTuple):
    """A link that ends, and the fact that says so."""

    relationship: Relationship
    child: str
    parent: str
    cause: Entry


class Turned(NamedTuple):
    """An entity whose state is another one now. ``awaited``: links referred to it before it was heard of."""

    register: Register
    awaited: bool
    cause: Entry


@dataclass(slots=True)
class Changes:
    """All that a batch changes. ``renewed``: entities that ended meanwhile, and are what they were. ``announced``:
    facts of Tether's own that readers of the feed are told of."""

    versions: list[Register] = field(default_factory=list)
    touched: list[Register] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    turned: list[Turned] = field(default_factory=list)
    renewed: list[Turned] = field(default_factory=list)
    announced: int = 0

    def __bool__(self) -> bool:
        """Whether a reader would see a difference: only then a revision is opened."""
        return bool(self.versions or self.opened or self.closed or self.announced)


def changes(catalog: Catalog, stored: dict[tuple[str, str], Register], entries: Iterable[Entry]) -> Changes:
    """Joins the entries into the registers (which it alters) and says what is different afterwards."""
    of_entity: dict[tuple[str, str], list[Entry]] = {}
    result = Changes()
    for entry in entries:
        if entry.effect is None and not entry.names:
            result.announced += 1
        else:
            of_entity.setdefault((entry.kind, entry.key), []).append(entry)
    for at, told in of_entity.items():
        register = stored.get(at) or Register(*at)
        _join(result, catalog.by_child.get(at[0], ()), register, told)
    return result


def _alike(one: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]) -> bool:
    """Whether a reader sees the same. To Python 1, 1.0 and True are equal, in JSON they are not."""
    if one != other:
        return False
    return one[1] is other[1] or _canonical(one[1]) == _canonical(other[1])


def _canonical(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def _join(result: Changes, references: tuple[Relationship, ...], register: Register, told: list[Entry]) -> None:
    stored, ended = register.stored, register.ended
    state, data = register.seen()
    before = [(register.parent(r), register.rank(r)) for r in references] if stored else None
    for entry in told:
        register.join(entry)
    cause = told[-1]
    if not stored or not _alike(register.seen(), (state, data)):
        result.versions.append(register)
    else:
        result.touched.append(register)
    if register.state != state:
        result.turned.append(Turned(register, stored and state == "unknown", cause))
    elif register.ended != ended:
        result.renewed.append(Turned(register, False, cause))
    for n, relationship in enumerate(references):
        parent, rank = register.parent(relationship), register.rank(relationship)
        old_parent, old_rank = before[n] if before is not None else (None, None)
        if parent == old_parent and (parent is None or rank == old_rank):
            continue
        if old_parent is not None:
            result.closed.append(Closed(relationship, register.key, old_parent, cause))
        if parent is not None:
            result.opened.append(Opened(relationship, register.key, parent, rank, cause))
