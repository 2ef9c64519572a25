"""The correlation ids of commands.

Opaque to everyone else: the owner copies it unread into the fact that follows. That of a command that asks for a
counterpart says to which parent the child belongs; that of any other names the operation which the fact came of.
A correlation id of anyone else's making decodes to nothing.
"""

import base64
import binascii

_PREFIX = "tether1."
_OPERATION = "tether2."
_SEPARATOR = "\x1f"


def encode(relationship: str, parent: str) -> str:
    """The correlation id for a child of this parent."""
    text = f"{relationship}{_SEPARATOR}{parent}"
    return _PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str | None) -> tuple[str, str] | None:
    """(relationship, parent), or None if this is not one of ours."""
    if text is None or not text.startswith(_PREFIX):
        return None
    body = text.removeprefix(_PREFIX)
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    relationship, separator, parent = decoded.partition(_SEPARATOR)
    good = separator and relationship and parent and "\x00" not in decoded
    return (relationship, parent) if good else None


def encode_operation(id: str) -> str:
    """The correlation id for what comes of this operation."""
    return _OPERATION + id


def decode_operation(text: str | None) -> str | None:
    """The operation's id, or None if this is not one of ours."""
    return text.removeprefix(_OPERATION) if text is not None and text.startswith(_OPERATION) else None
