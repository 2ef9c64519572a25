"""The correlation ids of commands.

Opaque to owners: an owner copies it unread into the fact that follows from the command. That of a command that
requests a counterpart names the relationship, the parent, and the incarnation of the parent that it was requested for;
that of any other command names the operation. A correlation id that Tether did not make decodes to None.
"""

import base64
import binascii
from typing import NamedTuple

_PARENT = "tether1."
"""Of earlier versions: relationship and parent, whatever its incarnation."""
_OPERATION = "tether2."
_INCARNATION = "tether3."
_SEPARATOR = "\x1f"
CREATION = 96
"""Bytes of an order key that a correlation id holds. It must fit into a header and an attribute, and order keys may be
as long as their sequence."""


class RequestedFor(NamedTuple):
    """What a child was requested for. ``created``: the order key of the creation of the parent that was known then, cut
    and padded if it is long; None: an earlier version requested it, and it belongs to any incarnation of the parent."""

    relationship: str
    parent: str
    created: bytes | None = None


def encode(relationship: str, parent: str, created: bytes | None = None) -> str:
    """The correlation id of a command that requests a child for this parent. ``created``: the order key of the parent's
    creation."""
    text = _encoded(f"{relationship}{_SEPARATOR}{parent}".encode())
    if created is None:
        return _PARENT + text
    return f"{_INCARNATION}{text}.{_encoded(_cut(created))}"


def decode(text: str | None) -> RequestedFor | None:
    """What a child was requested for, or None if Tether did not make this id."""
    if text is None or not text.startswith((_PARENT, _INCARNATION)):
        return None
    body, separator, creation = text.removeprefix(_PARENT).removeprefix(_INCARNATION).partition(".")
    if bool(separator) != text.startswith(_INCARNATION):
        return None
    try:
        decoded, created = _decoded(body).decode(), _decoded(creation)
    except (binascii.Error, UnicodeDecodeError):
        return None
    relationship, between, parent = decoded.partition(_SEPARATOR)
    good = between and relationship and parent and "\x00" not in decoded and bool(created) == bool(separator)
    return RequestedFor(relationship, parent, created or None) if good and len(created) <= CREATION + 1 else None


def encode_operation(id: str) -> str:
    """The correlation id of the commands of this operation."""
    return _OPERATION + id


def decode_operation(text: str | None) -> str | None:
    """The operation's id, or None if Tether did not make this id."""
    return text.removeprefix(_OPERATION) if text is not None and text.startswith(_OPERATION) else None


def _cut(created: bytes) -> bytes:
    """A cut order key sorts after all that begin alike: a deletion that cannot be distinguished from the creation by
    what is left does not end the incarnation."""
    return created if len(created) <= CREATION else created[:CREATION] + b"\xff"


def _encoded(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
