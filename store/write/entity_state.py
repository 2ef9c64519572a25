"""The folded state of one entity: a map of last-writer-wins registers, one for each field and each reference.

Joining a fact is commutative, associative and idempotent, because every part is a maximum over order keys: the newest
fact, the newest creation, the newest deletion, and for each field and each reference the newest fact that carries it
(a state-based CRDT: Shapiro et al., "Conflict-free replicated data types", 2011). Facts may arrive in any order, and
none has to be read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import orjson

from catalog import limits
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from errors import Unacceptable
from facts.envelope import Entry
from facts.order_key import without_position
from store.db.pool import Connection
from store.db.sql import fetch_rows

NOTHING = b""
"""The order key below all others."""
UNRANKED = b"\xff"
"""The rank of a child of which no creation is known: above all order keys."""

EntityState = Literal["unknown", "live", "deleted"]

Link: TypeAlias = tuple[str | None, bytes | None, bytes | None]
"""(key of the parent, rank, creation of the parent that the child was requested for)."""
NO_LINK: Link = (None, None, None)


class StoredEntity(NamedTuple):
    """The current version of one entity in the table. ``older`` and ``refs`` hold order keys as hex digits."""

    kind: str
    key: str
    sequence: str | None
    data: dict[str, Any]
    latest: bytes
    created: bytes
    ended: bytes
    incarnation: str
    older: dict[str, str] | None
    refs: dict[str, list[str | None]] | None


class FoldedReference(NamedTuple):
    """A reference that is in no field. ``order``: order key of the fact that names the parent, or none;
    ``parent_created``: see facts.envelope.Reference."""

    order: bytes = NOTHING
    parent: str | None = None
    parent_created: bytes | None = None

    def to_json(self) -> list[str | None]:
        """For the table: bytes as hex digits."""
        created = [] if self.parent_created is None else [self.parent_created.hex()]
        return [self.order.hex(), self.parent, *created]

    @classmethod
    def of_json(cls, stored: Sequence[str | None]) -> FoldedReference:
        """The reverse of ``to_json``."""
        order, parent, *created = stored
        return cls(bytes.fromhex(order or ""), parent, bytes.fromhex(created[0]) if created and created[0] else None)


@dataclass(slots=True)
class FoldedEntity:
    """All facts about one entity, folded.

    ``stored``: whether the table has a version of it. ``latest``, ``created``, ``ended``: order keys of the newest
    fact, creation and deletion. ``incarnation``: the name of this life of the key; of a deleted entity, of the life
    that would follow; see `name_life`. ``data``: its fields; ``older``: the order keys of those fields that an older
    fact than ``latest`` has set. ``refs``: by relationship, references that are not in a field. ``row``: the
    version in the table.
    """

    kind: str
    key: str
    stored: bool = False
    sequence: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    latest: bytes = NOTHING
    created: bytes = NOTHING
    ended: bytes = NOTHING
    incarnation: str = ""
    older: dict[str, bytes] = field(default_factory=dict)
    refs: dict[str, FoldedReference] = field(default_factory=dict)
    row: StoredEntity | None = field(default=None, compare=False, repr=False)

    @property
    def state(self) -> EntityState:
        """``unknown``: other entities refer to it, and no fact about it has arrived."""
        if not self.latest:
            return "unknown"
        return "deleted" if self.ended > self.created else "live"

    @property
    def is_empty(self) -> bool:
        """Whether no fact says anything about it: its owner's facts were voided, and no link of its own is recorded."""
        return not self.latest and not self.refs

    def visible(self) -> tuple[EntityState, dict[str, Any]]:
        """(state, data) as readers see them: a new version begins when they change."""
        state = self.state
        return state, self.data if state == "live" else {}

    def parent(self, relationship: Relationship) -> str | None:
        """Key of the parent that the newest reference names; None if it names none, or this entity is not live."""
        return self.reference(relationship)[1]

    def reference(self, relationship: Relationship) -> tuple[bytes, str | None]:
        """(order key of the fact that names the parent, key of the parent), as in `parent`."""
        return self._reference(relationship) if self.state == "live" else (NOTHING, None)

    def link(self, relationship: Relationship) -> Link:
        """What decides its link in a relationship: `parent`, `rank` and `parent_created`; NO_LINK without a parent."""
        if self.state != "live" or (parent := self._reference(relationship)[1]) is None:
            return NO_LINK
        return parent, self.rank(relationship), self.parent_created(relationship) if self.refs else None

    def _reference(self, relationship: Relationship) -> tuple[bytes, str | None]:
        order, parent, _ = self.refs.get(relationship.name, _NO_REFERENCE) if self.refs else _NO_REFERENCE
        name = relationship.root
        if name is not None and name in self.data and (set_by := self.older.get(name, self.latest)) > order:
            return set_by, relationship.parent_key(relationship.value_in(self.data))
        return order, parent

    def parent_created(self, relationship: Relationship) -> bytes | None:
        """The order key of the creation of the parent that this child was requested for; None: it was not requested,
        or by an earlier version, and belongs to any incarnation of the parent."""
        return self.refs.get(relationship.name, _NO_REFERENCE).parent_created if self.state == "live" else None

    def rank(self, relationship: Relationship) -> bytes | None:
        """Order key that decides which child holds a one-to-one link, the smallest does, of several the one with the
        smallest key. Without the arrival, which decides only between facts about one entity. None for other links."""
        return (without_position(self.created) or UNRANKED) if relationship.exclusive else None

    def folded_again(self, facts: Iterable[Entry]) -> Self:
        """Returns this entity as these facts alone give it: all that the ledger has about it, and that count."""
        again = type(self)(self.kind, self.key, stored=self.stored, row=self.row)
        for fact in facts:
            again.join(fact)
        return again

    def join(self, entry: Entry) -> None:
        """Folds one more fact into the entity."""
        order = entry.order
        if entry.effect is not None:
            self._join_fields(entry, order)
            if entry.effect is Effect.CREATED:
                if order > self.created:
                    self.created = order
            elif entry.effect is Effect.DELETED and order > self.ended:
                self.ended = order
                self._forget()
        if order > self.ended:
            for name, parent, created in entry.names:
                if order > self.refs.get(name, _NO_REFERENCE).order:
                    self.refs = {**self.refs, name: FoldedReference(order, parent, created)}

    def _join_fields(self, entry: Entry, order: bytes) -> None:
        carried: dict[str, Any] = {}
        if entry.effect is not Effect.DELETED and order > self.ended:
            carried = entry.data
        if order > self.latest:
            if self.data:
                was = self.latest
                self.older = {n: self.older.get(n, was) for n in self.data if n not in carried}
                self.data = {**self.data, **carried}
            else:
                self.data = carried
            self.latest, self.sequence = order, entry.sequence
            return
        for name, value in carried.items():
            known = self.older.get(name, self.latest) if name in self.data else NOTHING
            if order > known:
                self.data = {**self.data, name: value}
                self.older = {**self.older, name: order}

    def _forget(self) -> None:
        ended = self.ended
        kept = {n: v for n, v in self.data.items() if self.older.get(n, self.latest) > ended}
        self.older = {n: o for n, o in self.older.items() if n in kept}
        self.data = kept
        self.refs = {n: r for n, r in self.refs.items() if r.order > ended}

    def data_json(self) -> str:
        """``data`` as JSON for the table."""
        return orjson.dumps(self.data).decode()

    def older_json(self) -> str | None:
        """``older`` as JSON for the table; None if it is empty."""
        return orjson.dumps({n: o.hex() for n, o in self.older.items()}).decode() if self.older else None

    def refs_json(self) -> str | None:
        """``refs`` as JSON for the table; None if it is empty."""
        return orjson.dumps({n: r.to_json() for n, r in self.refs.items()}).decode() if self.refs else None

    def check_size(self) -> None:
        """Raises Unacceptable if the data, with the order keys of its fields, has become too large.

        Every change writes all of it again, so that facts with ever new fields would take the square of their size.
        What is too large already, by facts that were recorded before there was a limit, may change but not grow.
        """
        size = limits.size(self.data_json()) + len(self.older_json() or "")
        if size <= limits.ENTITY:
            return
        if self.row is not None and size <= len(orjson.dumps(self.row.data)) + len(orjson.dumps(self.row.older)):
            return
        raise Unacceptable(
            f"{self.kind} {self.key[:100]!r} would be larger than {limits.ENTITY} bytes: it would have {size}, "
            "with the order keys of its fields",
            "entity_too_large",
        )

    @classmethod
    def of_row(cls, row: StoredEntity) -> FoldedEntity:
        """The entity of a row of ``entities``."""
        return cls(
            kind=row.kind,
            key=row.key,
            stored=True,
            sequence=row.sequence,
            data=row.data,
            latest=row.latest,
            created=row.created,
            ended=row.ended,
            incarnation=row.incarnation,
            older={n: bytes.fromhex(o) for n, o in row.older.items()} if row.older else {},
            refs={n: FoldedReference.of_json(r) for n, r in row.refs.items()} if row.refs else {},
            row=row,
        )


class EntityOfAnySize(FoldedEntity):
    """An entity that may be of any size: all of its facts were accepted when they had another order."""

    __slots__ = ()

    def check_size(self) -> None:
        """Accepts it."""


_NO_REFERENCE = FoldedReference()


async def find_entities(conn: Connection, tenant: str, wanted: Collection[tuple[str, str]]) -> list[FoldedEntity]:
    """Reads the current entities of these (kind, key), as far as there are any, in no particular order."""
    kinds, keys = [kind for kind, _ in wanted], [key for _, key in wanted]
    rows = await fetch_rows(conn, StoredEntity, "entities_by_key", tenant=tenant, kinds=kinds, keys=keys)
    return [FoldedEntity.of_row(row) for row in rows]


async def fetch_entities(conn: Connection, tenant: str, wanted: Sequence[tuple[str, str]]) -> list[FoldedEntity]:
    """Reads the current entities of these (kind, key), in their order; empty ones where there is none."""
    found = {(entity.kind, entity.key): entity for entity in await find_entities(conn, tenant, wanted)}
    return [found.get(at) or FoldedEntity(*at) for at in wanted]
