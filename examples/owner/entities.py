"""The entities that a service owns: one row each, with a version that only grows.

A deleted entity keeps its row as a tombstone, so that its version goes on when the same id is created again:
whoever follows the facts can always tell the newer one by its number.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Row
from typing import Annotated
from uuid import uuid4

from pydantic import StringConstraints

from examples.owner.database import Database, Transaction
from examples.owner.problems import Refused

SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
    id      TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    live    INTEGER NOT NULL,
    fields  TEXT NOT NULL
) WITHOUT ROWID;
"""

Key = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x20\x7f]+$", max_length=200)]
"""An id that fits into one segment of a path."""

Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]


def fresh_key() -> str:
    """An id for an entity whose creator did not choose one."""
    return uuid4().hex


@dataclass(frozen=True)
class Entity:
    """One entity as of one version."""

    id: str
    version: int
    live: bool
    fields: Mapping[str, object]

    @property
    def document(self) -> dict[str, object]:
        """What the service's API answers."""
        return {"id": self.id, "version": self.version, **self.fields}


class Entities:
    """The table of one kind, called ``kind`` in messages to people."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    def get(self, key: str) -> Entity:
        """The live entity. Refused: 404 when there never was one, 410 when it was deleted."""
        return self._live(key, _only(self._database.read(_BY_ID, key)))

    def page(self, after: str, limit: int) -> list[Entity]:
        """Live entities in the order of their ids, from the first id greater than ``after``."""
        return [_entity(row) for row in self._database.read(_PAGE, after, limit)]

    def create(self, tx: Transaction, key: str, fields: Mapping[str, object]) -> Entity:
        """A new entity, or a deleted one's next life. Refused: 409 when it is live."""
        found = _only(tx.execute(_BY_ID, (key,)).fetchall())
        if found and found.live:
            raise Refused(409, "exists", f"The {self._kind} {key!r} exists. Choose another id, or change it.")
        return _store(tx, Entity(key, found.version + 1 if found else 1, True, fields))

    def change(self, tx: Transaction, key: str, changes: Mapping[str, object]) -> tuple[Entity, bool]:
        """The entity with these values, and whether that made a new version. Refused: 404, 410."""
        entity = self._live(key, _only(tx.execute(_BY_ID, (key,)).fetchall()))
        fields = {**entity.fields, **changes}
        if fields == entity.fields:
            return entity, False
        return _store(tx, Entity(key, entity.version + 1, True, fields)), True

    def delete(self, tx: Transaction, key: str) -> Entity:
        """The tombstone. Refused: 404, 410."""
        entity = self._live(key, _only(tx.execute(_BY_ID, (key,)).fetchall()))
        return _store(tx, Entity(key, entity.version + 1, False, entity.fields))

    def _live(self, key: str, entity: Entity | None) -> Entity:
        if entity is None:
            raise Refused(404, "unknown", f"There is no {self._kind} {key!r}. Create it first.")
        if not entity.live:
            raise Refused(410, "deleted", f"The {self._kind} {key!r} is gone since version {entity.version}.")
        return entity


_BY_ID = "SELECT id, version, live, fields FROM entities WHERE id = ?"
_PAGE = "SELECT id, version, live, fields FROM entities WHERE live AND id > ? ORDER BY id LIMIT ?"


def _store(tx: Transaction, entity: Entity) -> Entity:
    row = (entity.id, entity.version, entity.live, json.dumps(dict(entity.fields), ensure_ascii=False))
    tx.execute("INSERT OR REPLACE INTO entities (id, version, live, fields) VALUES (?, ?, ?, ?)", row)
    return entity


def _only(rows: list[Row]) -> Entity | None:
    return _entity(rows[0]) if rows else None


def _entity(row: Row) -> Entity:
    return Entity(row["id"], row["version"], bool(row["live"]), json.loads(row["fields"]))
