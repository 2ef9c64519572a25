"""What reads have in common: keys, and the revision to read, by ``as_of`` and ``at_least``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request, Response
from pydantic import AfterValidator, Field
from starlette.convertors import Convertor, register_url_convertor

from api.http.auth import Reader
from api.http.dependencies import Dependencies, dependencies_of
from catalog import limits
from catalog.relationship import KEY_CHARACTERS
from errors import NotYet, Refused
from facts import tokens
from store.db import epochs
from store.db.snapshot import Snapshot, snapshot

DEFAULT_WAIT = 5.0
"""Seconds that a read waits for a revision if ``wait`` is not given."""

KeyText = Annotated[str, Field(min_length=1, max_length=KEY_CHARACTERS, pattern=r"^[^\x00]+$")]
"""An entity's key that the ledger may hold: any text without NUL, which no fact can contain."""


FilterText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""A text that rows are compared with: any without NUL, which no row can contain."""


def _within_limit(key: str) -> str:
    if reason := limits.excess("the key", key, limits.KEY):
        raise ValueError(reason)
    return key


class KeyConvertor(Convertor[str]):
    """A key in a path, ``{key:key}``: all that is left of the path, slashes and line breaks included."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("key", KeyConvertor())

NewKey = Annotated[
    str,
    Field(min_length=1, pattern=r"^[^\x00]+$", json_schema_extra={"maxLength": limits.KEY}),
    AfterValidator(_within_limit),
]
"""A key that the facts to come will name: one within the limit for them, which is in bytes."""

WaitSeconds = Annotated[
    float | None,
    Query(ge=0, description="Seconds to wait for the revision of `at_least` or `as_of`, up to the server's limit."),
]
AtLeast = Annotated[
    str | None,
    Query(description="A token: the answer includes everything up to its revision. Pass the token of your last write."),
]
AsOf = Annotated[str | None, Query(description="A token: the answer is the state at its revision.")]


class ReadAt:
    """The revision that a caller wants to read."""

    def __init__(
        self, deps: Dependencies, tenant: str, as_of: str | None, at_least: str | None, wait: float | None
    ) -> None:
        """``as_of`` and ``at_least`` are tokens, ``wait`` is in seconds.

        Raises BadToken for a token that was not issued to this tenant, Refused if the two contradict each other.
        """
        self._deps = deps
        self.tenant = tenant
        self.as_of = None if as_of is None else tokens.revision(tenant, as_of)
        self.at_least = 0 if at_least is None else tokens.revision(tenant, at_least)
        self.wait = DEFAULT_WAIT if wait is None else wait
        if self.as_of is not None and self.as_of < self.at_least:
            raise Refused("as_of names an older revision than at_least; pass only one of them")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Opens a snapshot at that revision. Raises NotYet if it is not reached in time, Expired if it was lost in a
        restore."""
        wanted = max(self.as_of or 0, self.at_least)
        if wanted:
            await wait_for_revision(self._deps, self.tenant, wanted, self.wait)
        async with snapshot(self._deps.pool, self.tenant, self.as_of) as at:
            if wanted:
                await epochs.check_kept(at, wanted)
            yield at

    @asynccontextmanager
    async def newest(self) -> AsyncIterator[Snapshot]:
        """Opens a snapshot of what keeps no history. Raises Refused if ``as_of`` is an older revision, NotYet."""
        async with self.snapshot() as at:
            if at.revision < at.head:
                raise Refused("this is known only at the newest revision; leave as_of out")
            yield at


# A coroutine like all dependencies: FastAPI runs plain functions in a thread, for each request.
async def read_at(
    request: Request, who: Reader, as_of: AsOf = None, at_least: AtLeast = None, wait: WaitSeconds = None
) -> ReadAt:
    """The revision to read, from the query parameters."""
    return ReadAt(dependencies_of(request), who.tenant, as_of, at_least, wait)


AtRevision = Annotated[ReadAt, Depends(read_at)]


async def wait_for_revision(deps: Dependencies, tenant: str, revision: int, wait: float) -> None:
    """Returns once a revision of a tenant is committed. Raises NotYet after ``wait`` seconds or the server's limit."""
    seconds = min(wait, deps.settings.limits.wait)
    if not await deps.revisions.reach(tenant, revision, seconds):
        token = tokens.token(tenant, revision)
        raise NotYet(
            f"the revision {token} has not been reached within {seconds:g} s; try again, or with a longer wait"
        )


def answer(body: Any) -> Response:
    """A JSON response without validation by a model, because pages are long. Times are RFC 3339, in UTC."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
