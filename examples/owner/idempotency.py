"""Commands that are safe to repeat: ``Idempotency-Key``.

The key, a hash of its request and the answer are stored in the transaction of the effect. If that is committed, the
same request gets the same answer; if not, the request runs as new.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from sqlite3 import Row
from typing import Annotated, TypeAlias

from fastapi import Depends, Header, Request, Response

from examples.owner.conditions import ALWAYS, Condition, condition
from examples.owner.database import Database, Transaction
from examples.owner.problems import RequestRefused

SCHEMA = """
CREATE TABLE IF NOT EXISTS commands (
    key        TEXT PRIMARY KEY,
    request    TEXT,                        -- hash of the first request with the key; NULL until one was read
    -- requests with this key, also failed ones; requests that cannot be read (400, 422) are not counted
    attempts   INTEGER NOT NULL,
    effects    INTEGER NOT NULL DEFAULT 0,  -- transactions with this key that changed something
    first      TEXT NOT NULL,
    last       TEXT NOT NULL,
    status     INTEGER,                     -- the answer; NULL while there is none
    body       BLOB,
    media_type TEXT,
    etag       TEXT
);
"""

LONGEST = 255
"""Most characters of an Idempotency-Key."""


@dataclass(frozen=True)
class IncomingCommand:
    """Two requests are the same if these are equal: ``key``, and ``request``, a hash of method, path, query, condition
    and body.

    ``condition``: the precondition of ``If-Match``, which versions of the entity the command may change.
    """

    key: str | None
    request: str
    condition: Condition = ALWAYS


async def _command(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=LONGEST)] = None,
    if_match: Annotated[list[str] | None, Header()] = None,
) -> IncomingCommand:
    line = f"{request.method} {request.url.path}?{request.url.query}\n"
    conditional = None if if_match is None else ", ".join(if_match)
    hashed = sha256(f"{line}{'' if conditional is None else f'if-match: {conditional}'}\n".encode())
    hashed.update(await request.body())
    return IncomingCommand(idempotency_key, hashed.hexdigest(), condition(conditional))


Incoming: TypeAlias = Annotated[IncomingCommand, Depends(_command)]
"""Parameter of an endpoint: the command of its request. 400: its ``If-Match`` is malformed."""


class Commands:
    """All keys that were used, with their answers. Keys are never deleted; a busy service would expire them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def once(self, command: IncomingCommand, effect: Callable[[Transaction], Response]) -> Response:
        """Runs ``effect`` in a transaction, or returns the stored answer of the same request.

        Without a key the effect always runs. A refusal rolls back what its effect had written, and is stored as the
        answer. Any other error rolls it back too, and only the attempt is stored. Raises RequestRefused: 422 if the key
        was used with another request.
        """
        with self._database.transaction() as tx:
            if command.key is None:
                return effect(tx)
            self._count(tx, command.key, command.request)
            answer = _answer(tx, command, effect)
        if isinstance(answer, BaseException):  # raised after the transaction, so that the attempt is committed
            raise answer
        return answer

    def attempted(self, key: str) -> None:
        """Counts a request that failed before it was read."""
        with self._database.transaction() as tx:
            self._count(tx, key, None)

    def report(self, after: str, limit: int) -> list[dict[str, object]]:
        """``{"key", "attempts", "effects", "first", "last"}`` of each key beyond ``after``, in the order of keys."""
        return [dict(row) for row in self._database.read(_PAGE, after, limit)]

    def _count(self, tx: Transaction, key: str, request: str | None) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        tx.execute(_BEGIN, {"key": key, "request": request, "now": now})


_BEGIN = """
INSERT INTO commands (key, request, attempts, first, last) VALUES (:key, :request, 1, :now, :now)
ON CONFLICT (key) DO UPDATE
SET attempts = attempts + 1, last = excluded.last, request = coalesce(request, excluded.request)
"""
_FIND = "SELECT request, status, body, media_type, etag FROM commands WHERE key = ?"
_FINISH = "UPDATE commands SET effects = effects + ?, status = ?, body = ?, media_type = ?, etag = ? WHERE key = ?"
_PAGE = "SELECT key, attempts, effects, first, last FROM commands WHERE key > ? ORDER BY key LIMIT ?"


def _answer(
    tx: Transaction, command: IncomingCommand, effect: Callable[[Transaction], Response]
) -> Response | BaseException:
    """The answer, or the error to raise once the attempt is committed."""
    stored = tx.execute(_FIND, (command.key,)).fetchone()
    if stored["request"] != command.request:
        return RequestRefused(422, "key-reused", "This Idempotency-Key was used with another request. Use a new one.")
    if stored["status"] is not None:
        return _replayed(stored)
    before = tx.total_changes
    tx.execute("SAVEPOINT effect")
    try:
        answer = effect(tx)
        effects = int(tx.total_changes > before)
    except RequestRefused as refusal:
        tx.execute("ROLLBACK TO effect")
        answer, effects = refusal.response, 0
    except BaseException as error:  # any: the caller raises it
        tx.execute("ROLLBACK TO effect")
        return error
    stored_answer = (answer.status_code, answer.body, answer.media_type, answer.headers.get("etag"))
    tx.execute(_FINISH, (effects, *stored_answer, command.key))
    return answer


def _replayed(stored: Row) -> Response:
    headers = {"idempotent-replayed": "true"} | ({"etag": stored["etag"]} if stored["etag"] else {})
    return Response(stored["body"], stored["status"], headers, stored["media_type"])
