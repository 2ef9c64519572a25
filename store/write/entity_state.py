"""The folded state of one entity, as it is kept: a register that facts are joined into.

Joining is commutative, associative and idempotent, because every part is a maximum over order keys: the
newest fact, the newest creation, the newest end, and for each field and each reference the newest fact that
carries it. So any order of arrival gives the same register, and no fact has to be looked at twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from catalog.relationship import Relationship, as_key
from catalog.vocabulary import Effect
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import sql

NOTHING = b""
"""The order key below all others."""
UNRANKED = b"\xff"
"""The rank of a child whose creation was never told: above all order keys."""


@dataclass(slots=True)
class Register:
    """One entity. ``older`` holds the order keys of fields that an older fact than ``latest`` has set."""

    kind: str
    key: str
    stored: bool = False
    sequence: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    latest: bytes = NOTHING
    created: bytes = NOTHING
    ended: bytes = NOTHING
    older: dict[str, bytes] = field(default_factory=dict)
    refs: dict[str, tuple[bytes, str | None]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """``unknown`` (only referred to), ``live`` or ``deleted``."""
        if not self.latest:
            return "unknown"
        return "deleted" if self.ended > self.created else "live"

    def seen(self) -> tuple[str, dict[str, Any]]:
        """What a reader sees: a new version is opened when it changes."""
        state = self.state
        return state, self.data if state == "live" else {}

    def parent(self, relationship: Relationship) -> str | None:
        """Whom the newest fact that says so names; None: nobody, or this entity is not live."""
        return self.reference(relationship)[1]

    def reference(self, relationship: Relationship) -> tuple[bytes, str | None]:
        """The parent, and the order key of the fact that names it."""
        if self.state != "live":
            return NOTHING, None
        order, parent = self.refs.get(relationship.name, (NOTHING, None))
        name = relationship.field
        if name is not None and name in self.data and (told := self.older.get(name, self.latest)) > order:
            return told, as_key(self.data[name])
        return order, parent

    def rank(self, relationship: Relationship) -> bytes | None:
        """Who comes first where a parent may have one child; None where it does not matter."""
        return (self.created or UNRANKED) if relationship.exclusive else None

    def join(self, entry: Entry) -> None:
        """Take one more fact into account."""
        order = entry.order
        if entry.effect is not None:
            self._join_fields(entry, order)
            if entry.effect is Effect.CREATED:
                self.created = max(self.created, order)
            elif entry.effect is Effect.DELETED and order > self.ended:
                self.ended = order
                self._forget()
        if order > self.ended:
            for name, parent in entry.names:
                if order > self.refs.get(name, (NOTHING, None))[0]:
                    self.refs = {**self.refs, name: (order, parent)}

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
        self.refs = {n: r for n, r in self.refs.items() if r[0] > ended}

    def data_json(self) -> str:
        """``data`` as it is stored."""
        return orjson.dumps(self.data).decode()

    def older_json(self) -> str | None:
        """``older`` as it is stored."""
        return orjson.dumps({n: o.hex() for n, o in self.older.items()}).decode() if self.older else None

    def refs_json(self) -> str | None:
        """``refs`` as it is stored."""
        return orjson.dumps({n: (o.hex(), p) for n, (o, p) in self.refs.items()}).decode() if self.refs else None

    @classmethod
    def of_row(cls, row: Any) -> Register:
        """From a row of ``entities``."""
        older, refs = row["older"], row["refs"]
        return cls(
            kind=row["kind"],
            key=row["key"],
            stored=True,
            sequence=row["sequence"],
            data=row["data"],
            latest=row["latest"],
            created=row["created"],
            ended=row["ended"],
            older={n: bytes.fromhex(o) for n, o in older.items()} if older else {},
            refs={n: (bytes.fromhex(o), p) for n, (o, p) in refs.items()} if refs else {},
        )

    @property
    def life(self) -> str:
        """Names this life of the key; of a tombstone: the one that would follow, and so its end."""
        return incarnation(self.ended)


async def fetch_registers(conn: Connection, tenant: str, wanted: Sequence[tuple[str, str]]) -> list[Register]:
    """The current registers of these (kind, key), in their order; of what was never heard of: empty ones."""
    rows = await conn.fetch(sql("registers"), tenant, [k for k, _ in wanted], [k for _, k in wanted])
    found = {(r["kind"], r["key"]): Register.of_row(r) for r in rows}
    return [found.get(at) or Register(*at) for at in wanted]


def incarnation(ended: bytes) -> str:
    """Names one life of a key: by the end before it, so that it does not change when older facts come late."""
    return blake2b(ended, digest_size=8).hexdigest() if ended else "first"
