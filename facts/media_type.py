"""Media types: which of them say that content is JSON."""

import re

_TYPE = re.compile(r"\s*([^\s;/]+)/([^\s;/]+)\s*(?:;|$)")
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_UTF_8 = ("utf-8", "utf8", "us-ascii")


def is_json(media_type: str) -> bool:
    """Whether this is a type of JSON: its subtype is ``json``, or ends with ``+json`` (CloudEvents JSON 1.0.2, 3.1)."""
    if media_type == "application/json":  # what almost all senders write
        return True
    found = _TYPE.match(media_type.lower())
    return found is not None and (found[2] == "json" or (found[2].endswith("+json") and found[2] != "+json"))


def essence(media_type: str) -> str:
    """The type and subtype alone, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def foreign_charset(media_type: str) -> str:
    """The charset that a media type names, if it is not UTF-8; else an empty text."""
    for name, value in _PARAMETER.findall(media_type):
        if name.lower() == "charset":
            charset = value.strip().strip('"')
            return "" if charset.lower() in _UTF_8 else charset
    return ""
