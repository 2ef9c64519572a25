"""Commands that are safe to repeat: ``Idempotency-Key``.

The key, a hash of its request and the answer are stored in the transaction of the effect. So either all of it
happened, and the same request gets the very same answer, or none of it did, and the request runs as new.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Request, Response

from examples.owner.database import Database, Transaction
from examples.owner.problems import Refused

SCHEMA = """
CREATE TABLE IF NOT EXISTS commands (
    key        TEXT PRIMARY KEY,
    request    TEXT NOT NULL,               -- hash of the request that used the key first
    attempts   INTEGER NOT NULL,            -- requests with this key, those that came to nothing included
    effects    INTEGER NOT NULL DEFAULT 0,  -- transactions with this key that changed something
    first      TEXT NOT NULL,
    last       TEXT NOT NULL,
    status     INTEGER,                     -- the answer; NULL while there is none
    body       BLOB,
    media_type TEXT
);
"""


@dataclass(frozen=True)
class Command:
    """What makes two requests the same: the caller's key, and a hash of method, path, query and body."""

    key: str | None
    request: str


async def _command(
    request: Request, idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None
) -> Command:
    line = f"{request.method} {request.url.path}?{request.url.query}\n"
    return Command(idempotency_key, sha256(line.encode() + await request.body()).hexdigest())


Incoming: TypeAlias = Annotated[Command, Depends(_command)]
"""Parameter of an endpoint: the command that its request is."""


class Commands:
    """Every key ever used, with its answer. Keys are kept for good; a busy service would expire them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def once(self, command: Command, effect: Callable[[Transaction], Response]) -> Response:
        """Run ``effect`` in a transaction, or answer what it answered before. Without a key it simply runs.

        A refusal is an answer too, and undoes what its effect had written. Refused: 422 when the key
        belongs to another request.
        """
        if command.key is None:
            with self._database.transaction() as tx:
                return effect(tx)
        self._count_attempt(command)
        with self._database.transaction() as tx:
            stored = tx.execute(_FIND, (command.key,)).fetchone()
            if stored["request"] != command.request:
                raise Refused(422, "key-reused", "This Idempotency-Key was another request's. Use a new one.")
            if stored["status"] is not None:
                headers = {"idempotent-replayed": "true"}
                return Response(stored["body"], stored["status"], headers, stored["media_type"])
            answer, effects = _attempt(tx, effect)
            tx.execute(_FINISH, (effects, answer.status_code, answer.body, answer.media_type, command.key))
            return answer

    def report(self, after: str, limit: int) -> list[dict[str, object]]:
        """``{"key", "attempts", "effects", "first", "last"}`` in the order of keys, from beyond ``after``."""
        return [dict(row) for row in self._database.read(_PAGE, after, limit)]

    def _count_attempt(self, command: Command) -> None:
        """In a transaction of its own, so that an attempt that dies half-way counts as well."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._database.transaction() as tx:
            tx.execute(_BEGIN, {"key": command.key, "request": command.request, "now": now})


_BEGIN = """
INSERT INTO commands (key, request, attempts, first, last) VALUES (:key, :request, 1, :now, :now)
ON CONFLICT (key) DO UPDATE SET attempts = attempts + 1, last = excluded.last
"""
_FIND = "SELECT request, status, body, media_type FROM commands WHERE key = ?"
_FINISH = "UPDATE commands SET effects = effects + ?, status = ?, body = ?, media_type = ? WHERE key = ?"
_PAGE = "SELECT key, attempts, effects, first, last FROM commands WHERE key > ? ORDER BY key LIMIT ?"


def _attempt(tx: Transaction, effect: Callable[[Transaction], Response]) -> tuple[Response, int]:
    """The answer, and 1 if rows changed for it, else 0."""
    before = tx.total_changes
    tx.execute("SAVEPOINT effect")
    try:
        return effect(tx), int(tx.total_changes > before)
    except Refused as refusal:
        tx.execute("ROLLBACK TO effect")
        return refusal.response, 0
