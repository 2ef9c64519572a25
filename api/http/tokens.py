"""Tokens, the opaque form of a tenant's revision, and cursors, the opaque position after a page of a listing.

Both carry a checksum (CRC-32), by which one that was cut, altered or made for another tenant is recognised. They are
not secret.
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
    """Encodes a revision of a tenant as a token."""
    return _encode(_TOKEN.pack(revision, crc32(f"{tenant}:{revision}".encode())))


def revision(tenant: str, token: str) -> int:
    """Decodes a token. Raises BadToken if it was altered or is of another tenant."""
    try:
        number, check = _TOKEN.unpack(_decode(token))
    except (binascii.Error, struct.error, ValueError):
        raise BadToken(f"{token[:40]!r} is not a token; use one from an answer") from None
    if check != crc32(f"{tenant}:{number}".encode()):
        raise BadToken(f"{token[:40]!r} is not a token of this tenant; use one from an answer")
    return int(number)


def cursor(purpose: str, *place: Any) -> str:
    """Encodes a position, ``place`` (plain JSON values), in the listing that ``purpose`` describes."""
    body = orjson.dumps(place)
    return _encode(struct.pack(">I", crc32(purpose.encode() + body)) + body)


def place(purpose: str, cursor: str) -> list[Any]:
    """Decodes the position of a cursor. Raises BadToken if it was not made for this listing."""
    try:
        raw = _decode(cursor)
        (check,) = struct.unpack(">I", raw[:4])
        if check != crc32(purpose.encode() + raw[4:]):
            raise ValueError
        found: list[Any] = orjson.loads(raw[4:])
        return found
    except (binascii.Error, struct.error, ValueError):
        raise BadToken("the cursor is not from this listing; leave it out to start from the beginning") from None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
