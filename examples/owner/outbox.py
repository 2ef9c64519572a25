"""Transactional outbox: facts are written in the transaction of the change, and published later by the relay."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import uuid4

from examples.owner.database import Database, Transaction
from examples.owner.entities import OwnedEntity

_Json: TypeAlias = Mapping[str, object]

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,  -- in order of commits: there is one writer at a time
    event     TEXT NOT NULL,                      -- the CloudEvent, byte for byte as it is sent
    published TEXT,                               -- when it was accepted
    refusal   TEXT                                -- why it was parked
);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (position) WHERE published IS NULL AND refusal IS NULL;
"""


@dataclass(frozen=True)
class Pending:
    """A fact that is not published yet: ``event`` is a CloudEvent in the JSON format."""

    position: int
    event: str


class OwnerOutbox:
    """The facts of one source, oldest first."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    def add(
        self,
        tx: Transaction,
        fact: str,
        entity: OwnedEntity,
        data: _Json,
        carried: _Json,
        time: datetime | None = None,
    ) -> None:
        """Writes a fact about ``entity`` with its present version as the sequence.

        ``fact``: its type, such as ``GroupCreated.v1``; ``data``: its content; ``carried``: extension attributes, such
        as the correlation id of the command; ``time``: when it happened, in UTC; None: now.
        """
        event = {
            **carried,
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": self._source,
            "type": fact,
            "subject": entity.id,
            "sequence": str(entity.version),
            "time": _now() if time is None else _text(time),
            "datacontenttype": "application/json",
            "data": data,
        }
        tx.execute("INSERT INTO outbox (event) VALUES (?)", (json.dumps(event, ensure_ascii=False),))

    def pending(self, limit: int) -> list[Pending]:
        """The oldest facts that are neither published nor parked."""
        return [Pending(row["position"], row["event"]) for row in self._database.read(_PENDING, limit)]

    def published(self, facts: Sequence[Pending]) -> None:
        """Marks facts as accepted, so that they are not sent again."""
        now = _now()
        with self._database.transaction() as tx:
            rows = ((now, fact.position) for fact in facts)
            tx.executemany("UPDATE outbox SET published = ? WHERE position = ?", rows)

    def park(self, fact: Pending, refusal: str) -> None:
        """Sets a refused fact aside with the answer, so that the others are not blocked."""
        with self._database.transaction() as tx:
            tx.execute("UPDATE outbox SET refusal = ? WHERE position = ?", (refusal, fact.position))

    def redrive(self) -> int:
        """Makes parked facts pending again; returns their number."""
        with self._database.transaction() as tx:
            return tx.execute("UPDATE outbox SET refusal = NULL WHERE refusal IS NOT NULL").rowcount

    def report(self) -> dict[str, object]:
        """``{"pending": n, "published": n, "parked": [{"position", "event", "refusal"}]}``, at most 100 parked."""
        [counts] = self._database.read(_COUNTS)
        parked = [dict(row, event=json.loads(row["event"])) for row in self._database.read(_PARKED)]
        return {"pending": counts["pending"], "published": counts["published"], "parked": parked}


_PENDING = """
SELECT position, event FROM outbox WHERE published IS NULL AND refusal IS NULL ORDER BY position LIMIT ?
"""
_PARKED = "SELECT position, event, refusal FROM outbox WHERE refusal IS NOT NULL ORDER BY position LIMIT 100"
_COUNTS = """
SELECT count(*) FILTER (WHERE published IS NULL AND refusal IS NULL) AS pending, count(published) AS published
FROM outbox
"""


def _now() -> str:
    return _text(datetime.now(UTC))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
