"""Tokens: the opaque name of a tenant's revision; and cursors, which remember where a page ended.

Both carry a checksum, so that one that was cut, altered, or made for another tenant is told from a good one.
They are no secrets.
"""

import base64
import binascii
import struct
from typing import Any
from zlib import crc32

import orjson

from errors import BadToken

_TOKEN = struct.Struct(">QI")


def token(tenant: str, revision: int) -> str:
    """The token of a revision."""
    return _encode(_TOKEN.pack(revision, crc32(f"{tenant}:{revision}".encode())))


def revision(tenant: str, token: str) -> int:
    """The revision of a token. Raises BadToken."""
    try:
        number, check = _TOKEN.unpack(_decode(token))
    except (binascii.Error, struct.error, ValueError):
        raise BadToken(f"{token[:40]!r} is no token; use one that an answer gave") from None
    if check != crc32(f"{tenant}:{number}".encode()):
        raise BadToken(f"{token[:40]!r} is no token of this tenant; use one that an answer gave")
    return int(number)


def cursor(purpose: str, *place: Any) -> str:
    """A cursor for the rows after ``place`` (plain JSON values) of the listing that ``purpose`` describes."""
    body = orjson.dumps(place)
    return _encode(struct.pack(">I", crc32(purpose.encode() + body)) + body)


def place(purpose: str, cursor: str) -> list[Any]:
    """The place of a cursor. Raises BadToken if it was not made for this listing."""
    try:
        raw = _decode(cursor)
        (check,) = struct.unpack(">I", raw[:4])
        if check != crc32(purpose.encode() + raw[4:]):
            raise ValueError
        found: list[Any] = orjson.loads(raw[4:])
        return found
    except (binascii.Error, struct.error, ValueError):
        raise BadToken("the cursor was not given out for this listing; leave it out to start anew") from None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
