"""The correlation ids of commands.

Opaque to owners: an owner copies it unread into the fact that follows from the command. That of a command that
requests a counterpart names the relationship and the parent; that of any other command names the operation. A
correlation id that Tether did not make decodes to None.
"""

import base64
import binascii

_PREFIX = "tether1."
_OPERATION = "tether2."
_SEPARATOR = "\x1f"


def encode(relationship: str, parent: str) -> str:
    """The correlation id of a command that requests a child for this parent."""
    text = f"{relationship}{_SEPARATOR}{parent}"
    return _PREFIX + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str | None) -> tuple[str, str] | None:
    """(relationship, parent), or None if Tether did not make this id."""
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
    """The correlation id of the commands of this operation."""
    return _OPERATION + id


def decode_operation(text: str | None) -> str | None:
    """The operation's id, or None if Tether did not make this id."""
    return text.removeprefix(_OPERATION) if text is not None and text.startswith(_OPERATION) else None
