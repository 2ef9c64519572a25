"""The entities that a service owns: one row each, with a version that only grows.

A deleted entity keeps its row as a tombstone, so that its version continues when the same id is created again: of two
facts about an entity, the one with the greater version is always the newer one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Row
from typing import Annotated
from uuid import uuid4

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints

from examples.owner.conditions import Condition, tag
from examples.owner.database import Database, Transaction
from examples.owner.problems import RequestRefused

SCHEMA = """
CREATE TABLE IF NOT EXISTS entities (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    live    INTEGER NOT NULL,
    fields  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
"""

EntityId = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x20\x7f]+$", max_length=200)]
"""An id that fits into one segment of a path."""

Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]


def fresh_key() -> str:
    """An id for an entity whose creator did not choose one."""
    return uuid4().hex


@dataclass(frozen=True)
class OwnedEntity:
    """One entity as of one version."""

    id: str
    version: int
    live: bool
    fields: Mapping[str, object]

    @property
    def document(self) -> dict[str, object]:
        """The JSON object that the service's API answers with."""
        return {"id": self.id, "version": self.version, **self.fields}

    def answer(self, status: int = 200) -> Response:
        """The document, with its version as ``ETag``."""
        return JSONResponse(self.document, status, {"etag": tag(self.version)})


class Entities:
    """The entities of one kind, such as ``group_member``, which messages call "group member"."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind
        self._called = kind.replace("_", " ")

    def get(self, key: str) -> OwnedEntity:
        """The live entity. Raises RequestRefused: 404 if it never existed, 410 if it was deleted."""
        return self._live(key, self.trace(key))

    def trace(self, key: str) -> OwnedEntity | None:
        """The entity or its tombstone; None if it never existed."""
        return _only(self._database.read(_BY_ID, self._kind, key))

    def page(self, after: str, limit: int, before: str | None = None, **having: str) -> list[OwnedEntity]:
        """Live entities in the order of their ids.

        ``after``: ids begin beyond it; ``limit``: at most so many; ``before``: ids end below it; ``having``: values
        that their fields must have.
        """
        clauses = " ".join("AND json_extract(fields, ?) = ?" for _ in having)
        wanted = [part for name, value in having.items() for part in (f"$.{name}", value)]
        query = _PAGE.format(clauses=clauses)
        return [_entity(row) for row in self._database.read(query, self._kind, after, before, before, *wanted, limit)]

    def find(self, tx: Transaction, key: str) -> OwnedEntity | None:
        """The live entity, read in a transaction; None if there is none."""
        found = _only(tx.execute(_BY_ID, (self._kind, key)).fetchall())
        return found if found and found.live else None

    def live(self, tx: Transaction, key: str) -> OwnedEntity:
        """The live entity, read in a transaction. Raises RequestRefused: 404, 410."""
        return self._live(key, _only(tx.execute(_BY_ID, (self._kind, key)).fetchall()))

    def create(self, tx: Transaction, key: str, fields: Mapping[str, object]) -> OwnedEntity:
        """Creates an entity, or a deleted one again. Raises RequestRefused: 409 if a live one exists."""
        found = _only(tx.execute(_BY_ID, (self._kind, key)).fetchall())
        if found and found.live:
            raise RequestRefused(409, "exists", f"The {self._called} {key!r} exists. Choose another id, or change it.")
        return self._store(tx, OwnedEntity(key, found.version + 1 if found else 1, True, fields))

    def change(
        self, tx: Transaction, key: str, condition: Condition, changes: Mapping[str, object]
    ) -> tuple[OwnedEntity, bool]:
        """Changes fields of an entity. Returns (entity, whether it has a new version).

        ``condition``: the versions that may be changed; ``changes``: field → new value. Raises RequestRefused: 404,
        410, 412.
        """
        entity = self._at(tx, key, condition)
        fields = {**entity.fields, **changes}
        if fields == entity.fields:
            return entity, False
        return self._store(tx, OwnedEntity(key, entity.version + 1, True, fields)), True

    def delete(self, tx: Transaction, key: str, condition: Condition) -> OwnedEntity:
        """Deletes an entity; returns its tombstone. Raises RequestRefused: 404, 410, 412."""
        entity = self._at(tx, key, condition)
        return self._store(tx, OwnedEntity(key, entity.version + 1, False, entity.fields))

    def _at(self, tx: Transaction, key: str, condition: Condition) -> OwnedEntity:
        entity = self.live(tx, key)
        if not condition.holds(entity.version):
            reason = f"The {self._called} {key!r} has version {entity.version}. Read it, then send a new request."
            raise RequestRefused(412, "precondition", reason)
        return entity

    def _live(self, key: str, entity: OwnedEntity | None) -> OwnedEntity:
        if entity is None:
            raise RequestRefused(404, "unknown", f"There is no {self._called} {key!r}. Create it first.")
        if not entity.live:
            raise RequestRefused(410, "deleted", f"The {self._called} {key!r} was deleted (version {entity.version}).")
        return entity

    def _store(self, tx: Transaction, entity: OwnedEntity) -> OwnedEntity:
        fields = json.dumps(dict(entity.fields), ensure_ascii=False)
        tx.execute(_STORE, (self._kind, entity.id, entity.version, entity.live, fields))
        return entity


_BY_ID = "SELECT id, version, live, fields FROM entities WHERE kind = ? AND id = ?"
_PAGE = """
SELECT id, version, live, fields FROM entities
WHERE kind = ? AND live AND id > ? AND (? IS NULL OR id < ?) {clauses} ORDER BY id LIMIT ?
"""
_STORE = "INSERT OR REPLACE INTO entities (kind, id, version, live, fields) VALUES (?, ?, ?, ?, ?)"


def _only(rows: list[Row]) -> OwnedEntity | None:
    return _entity(rows[0]) if rows else None


def _entity(row: Row) -> OwnedEntity:
    return OwnedEntity(row["id"], row["version"], bool(row["live"]), json.loads(row["fields"]))
