"""Compares the attribute ``dataschema`` of an event with the schema that its contract publishes."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

PATH = "/v1/contracts/"
"""Where the schema of a type is published, before the type."""


def schema_path(type: str) -> str:
    """The path of the schema of a type."""
    return PATH + type


def other_schema(type: str, extensions: Mapping[str, Any]) -> Iterator[str]:
    """A sentence if the event names another schema than that of its type; hosts and prefixes of proxies may differ."""
    named = extensions.get("dataschema")
    if isinstance(named, str) and not _path(named).endswith(schema_path(type)):
        yield f"dataschema {named[:100]!r} is not the schema of {type}, which is at {schema_path(type)}"


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""
