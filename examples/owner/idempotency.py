"""Commands that are safe to repeat: ``Idempotency-Key``.

The key, a hash of its request and the answer are stored in the transaction of the effect. So either all of it
happened, and the same request gets the very same answer, or none of it did, and the request runs as new.
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
    request    TEXT,                        -- hash of the request that used the key first; NULL while none was read
    -- requests with this key, also those that came to nothing; what cannot be read (400, 422) is none
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
"""Characters of an Idempotency-Key."""


@dataclass(frozen=True)
class IncomingCommand:
    """What makes two requests the same: the caller's key, and a hash of method, path, query, condition and body.

    ``condition`` is that of ``If-Match``: what the entity must be for the command to have its effect.
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
"""Parameter of an endpoint: the command that its request is. 400: its ``If-Match`` is nonsense."""


class Commands:
    """Every key ever used, with its answer. Keys are kept for good; a busy service would expire them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def once(self, command: IncomingCommand, effect: Callable[[Transaction], Response]) -> Response:
        """Run ``effect`` in a transaction, or answer what it answered before. Without a key it simply runs.

        A refusal is an answer too, and undoes what its effect had written. Any other error undoes it as well, and
        leaves nothing but the attempt. Refused: 422 when the key belongs to another request.
        """
        with self._database.transaction() as tx:
            if command.key is None:
                return effect(tx)
            self._count(tx, command.key, command.request)
            answer = _answer(tx, command, effect)
        if isinstance(answer, BaseException):  # not before: the attempt is to be committed
            raise answer
        return answer

    def attempted(self, key: str) -> None:
        """Count a request that came to nothing before anyone read it."""
        with self._database.transaction() as tx:
            self._count(tx, key, None)

    def report(self, after: str, limit: int) -> list[dict[str, object]]:
        """``{"key", "attempts", "effects", "first", "last"}`` in the order of keys, from beyond ``after``."""
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
    """The answer, or the error that is to be raised once the attempt is committed."""
    stored = tx.execute(_FIND, (command.key,)).fetchone()
    if stored["request"] != command.request:
        return RequestRefused(422, "key-reused", "This Idempotency-Key was another request's. Use a new one.")
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
    except BaseException as error:  # whatever it is: the caller raises it
        tx.execute("ROLLBACK TO effect")
        return error
    told = (answer.status_code, answer.body, answer.media_type, answer.headers.get("etag"))
    tx.execute(_FINISH, (effects, *told, command.key))
    return answer


def _replayed(stored: Row) -> Response:
    headers = {"idempotent-replayed": "true"} | ({"etag": stored["etag"]} if stored["etag"] else {})
    return Response(stored["body"], stored["status"], headers, stored["media_type"])
