"""Keyset pagination: the size of a page, and cursors that say where the next one begins."""

from typing import Annotated, Any

import orjson
from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.http.dependencies import Injected
from errors import BadToken
from store.db import tokens

Cursor = Annotated[str | None, Query(description="`next` of the previous page. Default: the first page.")]


async def page_size(
    deps: Injected,
    limit: Annotated[
        int, Query(ge=1, description="Maximum number of items in the page; the server has a limit.")
    ] = 100,
) -> int:
    """Returns the ``limit`` parameter. Raises RequestValidationError if it is above the server's limit."""
    most = deps.settings.limits.page
    if limit > most:
        raise RequestValidationError(
            [{"loc": ("query", "limit"), "msg": f"at most {most} items in a page", "type": "less_than_equal"}]
        )
    return limit


Limit = Annotated[int, Depends(page_size)]


class Page(BaseModel):
    """The fields that all pages as of a revision have."""

    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")
    token: str = Field(description="Token of the revision that the page is as of.")


class Listing:
    """Issues and reads the cursors of one listing. A cursor is valid only for the listing, tenant and filters it
    was issued for."""

    def __init__(self, tenant: str, *name: Any) -> None:
        """``name``: what identifies the listing, filters included; JSON values."""
        self._purpose = orjson.dumps((tenant, *name)).decode()

    def place(self, cursor: str | None, *shapes: tuple[type, ...]) -> Any:
        """Returns the position that a cursor stands for, values of one of the shapes; None for no cursor.

        Raises BadToken for a cursor that was not issued for this listing.
        """
        if cursor is None:
            return None
        place = tokens.place(self._purpose, cursor)
        if not any(len(place) == len(shape) and all(map(_is, place, shape)) for shape in shapes):
            raise BadToken("the cursor was not issued for this listing; leave it out to start from the first page")
        return place

    def next(self, place: Any) -> str | None:
        """Returns the cursor for a position; None for None."""
        return None if place is None else tokens.cursor(self._purpose, *place)


def _is(value: Any, kind: type) -> bool:
    if kind is list:
        return type(value) is list and all(type(part) is str for part in value)
    if kind is int:
        return type(value) is int and 0 <= value < 2**62
    return type(value) is kind
