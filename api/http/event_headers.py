"""CloudEvents in binary mode: an event's attributes are in the headers whose names begin with ``ce-``.

Source: CloudEvents HTTP Protocol Binding 1.0.2, section 3.1.3. Characters beyond ASCII should be percent-encoded there;
many senders write them as UTF-8, and some as Latin-1.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from errors import Malformed

_QUOTED_PAIR = re.compile(r"\\(.)")


def read_attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    """The event without its data. Attribute values are quoted, percent-encoded or plain.

    Raises Malformed for an attribute that has two values.
    """
    event: dict[str, Any] = {}
    for header, value in headers.items():
        if not header.startswith("ce-"):
            continue
        name = header.removeprefix("ce-")
        if name in event:
            raise Malformed(name, "is given by two headers")
        event[name] = unquote(_unquoted(_text(value)), errors="surrogateescape")
    return event


def _text(value: str) -> str:
    """A header's value, which ASGI servers decode as Latin-1, as its sender meant it: as UTF-8, if it is that."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return _QUOTED_PAIR.sub(r"\1", value[1:-1]) if quoted else value
