"""Tokens: the opaque form of a tenant's revision.

Tokens sort as text like their revisions: the greatest of several is the newest. A token carries a checksum (CRC-32), by
which one that was cut, altered or made for another tenant is recognised. It is not secret.
"""

import base64
import binascii
import struct
from functools import lru_cache
from zlib import crc32

from errors import BadToken

_TOKEN = struct.Struct(">QI")
_FORMER_LENGTH = 16
"""Characters of a token that an earlier version issued, in base64."""


@lru_cache(maxsize=4096)  # all items of a revision have its token
def token(tenant: str, revision: int) -> str:
    """Encodes a revision of a tenant as a token."""
    return encode(_TOKEN.pack(revision, crc32(f"{tenant}:{revision}".encode())))


def revision(tenant: str, token: str) -> int:
    """Decodes a token. Raises BadToken if it was altered or is of another tenant."""
    try:
        raw = _decode_former(token) if len(token) == _FORMER_LENGTH else decode(token)
        number, check = _TOKEN.unpack(raw)
    except (binascii.Error, struct.error, ValueError):
        raise BadToken(f"{token[:40]!r} is not a token; use one from an answer") from None
    if check != crc32(f"{tenant}:{number}".encode()):
        raise BadToken(f"{token[:40]!r} is not a token of this tenant; use one from an answer")
    return int(number)


def encode(raw: bytes) -> str:
    """Writes bytes as text that needs no encoding in a URL and sorts like them: base32hex (RFC 4648, section 7)."""
    return base64.b32hexencode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Reads what ``encode`` wrote. Raises ValueError for any other text."""
    raw = base64.b32hexdecode(text.encode("ascii") + b"=" * (-len(text) % 8))
    if encode(raw) != text:  # bits beyond the last byte must be zero, so that one position has one text
        raise ValueError("not written by encode")
    return raw


def _decode_former(text: str) -> bytes:
    """Reads a token of an earlier version. Raises ValueError for any other text."""
    return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
