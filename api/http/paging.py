"""Keyset pagination: the size of a page, and cursors that say where the next one begins."""

import struct
from typing import Annotated, Any
from zlib import crc32

import orjson
from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.http.dependencies import dependencies_of
from errors import BadToken
from facts.tokens import decode, encode

_CHECKSUM = struct.Struct(">I")
"""CRC-32: a cursor that was cut, altered or made for another listing is recognised. It is not secret."""

Cursor = Annotated[str | None, Query(description="`next` of the previous page. Default: the first page.")]


async def page_size(
    request: Request,
    limit: Annotated[
        int, Query(ge=1, description="Maximum number of items in the page; the server has a limit.")
    ] = 100,
) -> int:
    """Returns the ``limit`` parameter. Raises RequestValidationError if it is above the server's limit."""
    most = dependencies_of(request).settings.limits.page
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
        self._purpose = orjson.dumps((tenant, *name))

    def place(self, cursor: str | None, *shapes: tuple[type, ...]) -> Any:
        """Returns the position that a cursor stands for, values of one of the shapes; None for no cursor.

        Raises BadToken for a cursor that was not issued for this listing.
        """
        if cursor is None:
            return None
        place = _decode(self._purpose, cursor)
        if place is None or not any(len(place) == len(shape) and all(map(_is, place, shape)) for shape in shapes):
            raise BadToken("the cursor was not issued for this listing; leave it out to start from the first page")
        return place

    def next(self, place: Any) -> str | None:
        """Returns the cursor for a position; None for None."""
        return None if place is None else _encode(self._purpose, *place)


def _encode(purpose: bytes, *place: Any) -> str:
    """Makes a cursor of a position (JSON values), with a checksum that it shares with the listing."""
    body = orjson.dumps(place)
    return encode(_CHECKSUM.pack(crc32(purpose + body)) + body)


def _decode(purpose: bytes, cursor: str) -> list[Any] | None:
    """Returns the position of a cursor; None if it was not made for this listing."""
    try:
        raw = decode(cursor)
        (check,) = _CHECKSUM.unpack(raw[:4])
        found: list[Any] = orjson.loads(raw[4:])
    except (struct.error, ValueError):
        return None
    return found if check == crc32(purpose + raw[4:]) else None


def _is(value: Any, kind: type) -> bool:
    if kind is list:
        return type(value) is list and all(type(part) is str for part in value)
    if kind is int:
        return type(value) is int and 0 <= value < 2**62
    return type(value) is kind
