"""What reads have in common: which revision they are of, how long they wait for it, and how their pages go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Has, Services
from catalog.relationship import KEY_LENGTH
from errors import BadToken, NotYet, Refused
from store.db import tokens
from store.db.snapshot import Snapshot, snapshot

PATIENCE = 5.0
"""Seconds that a read waits for a revision, if the caller says nothing else."""

Key = Annotated[str, Field(min_length=1, max_length=KEY_LENGTH, pattern=r"^[^\x00]+$")]
"""An entity's key: any text without a NUL, which no fact can hold."""

Wait = Annotated[
    float | None,
    Query(ge=0, description="Seconds to wait for the revision of `at_least` or `as_of`; the server has a limit."),
]
AtLeast = Annotated[
    str | None, Query(description="A token: the answer holds everything up to it. Pass the one of your last write.")
]
AsOf = Annotated[str | None, Query(description="A token: the answer is what was true at that revision, no more.")]
Cursor = Annotated[str | None, Query(description="`next` of the page before; left out: the first page.")]


class When:
    """The revision that a caller wants to read."""

    def __init__(self, has: Services, tenant: str, as_of: str | None, at_least: str | None, wait: float | None) -> None:
        """Raises BadToken for a token that was not given to this tenant."""
        self._has = has
        self.tenant = tenant
        self.as_of = None if as_of is None else tokens.revision(tenant, as_of)
        self.at_least = 0 if at_least is None else tokens.revision(tenant, at_least)
        self._wait = PATIENCE if wait is None else wait
        if self.as_of is not None and self.as_of < self.at_least:
            raise Refused("as_of names an older revision than at_least; ask for one of them")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """The state as of that revision. Raises NotYet if it does not come in time."""
        wanted = max(self.as_of or 0, self.at_least)
        if wanted:
            await reach(self._has, self.tenant, wanted, self._wait)
        async with snapshot(self._has.pool, self.tenant, self.as_of) as at:
            yield at

    @asynccontextmanager
    async def newest(self) -> AsyncIterator[Snapshot]:
        """The newest state, of what keeps no history. Raises Refused if an older one was asked for, NotYet."""
        async with self.snapshot() as at:
            if at.revision < at.head:
                raise Refused("this is known for the newest revision only; leave as_of out")
            yield at


async def at_revision(has: Has, who: Reader, as_of: AsOf = None, at_least: AtLeast = None, wait: Wait = None) -> When:
    """A coroutine, as all dependencies are: what is none costs each request a thread."""
    return When(has, who.tenant, as_of, at_least, wait)


AtRevision = Annotated[When, Depends(at_revision)]


async def reach(has: Services, tenant: str, revision: int, wait: float) -> None:
    """Returns once the revision can be read. Raises NotYet."""
    seconds = min(wait, has.settings.limits.wait)
    if not await has.heads.reach(tenant, revision, seconds):
        token = tokens.token(tenant, revision)
        raise NotYet(
            f"the revision {token} has not been reached within {seconds:g} s; ask again, or with a longer wait"
        )


async def page_size(
    has: Has,
    limit: Annotated[int, Query(ge=1, description="Items in the page, at most; the server has a limit.")] = 100,
) -> int:
    """Raises RequestValidationError for more than the limit."""
    most = has.settings.limits.page
    if limit > most:
        raise RequestValidationError(
            [{"loc": ("query", "limit"), "msg": f"at most {most} items in a page", "type": "less_than_equal"}]
        )
    return limit


Limit = Annotated[int, Depends(page_size)]


class Page(BaseModel):
    """What all pages have."""

    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")
    token: str = Field(description="The revision that this page is as of.")


def _is(value: Any, kind: type) -> bool:
    if kind is list:
        return type(value) is list and all(type(part) is str for part in value)
    if kind is int:
        return type(value) is int and 0 <= value < 2**62
    return type(value) is kind


class Listing:
    """The cursors of one listing: they fit it alone, with the same filters."""

    def __init__(self, tenant: str, *name: Any) -> None:
        self._purpose = orjson.dumps((tenant, *name)).decode()

    def place(self, cursor: str | None, *shapes: tuple[type, ...]) -> Any:
        """Where to go on: values of one of these shapes; None: from the beginning. Raises BadToken."""
        if cursor is None:
            return None
        place = tokens.place(self._purpose, cursor)
        if not any(len(place) == len(shape) and all(map(_is, place, shape)) for shape in shapes):
            raise BadToken("the cursor was not given out for this listing; leave it out to start anew")
        return place

    def next(self, place: Any) -> str | None:
        """The cursor for a place; None if there is none."""
        return None if place is None else tokens.cursor(self._purpose, *place)


def answer(body: Any) -> Response:
    """JSON as it is, without a walk through a model: pages are long. Times are RFC 3339, in UTC."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
