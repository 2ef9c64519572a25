"""Filters of the feed in the dialects of the CloudEvents Subscriptions API 1.0: exact, prefix, suffix, all, any, not.

They compare the attributes of an item's event. An attribute that an item does not have matches nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson

from errors import Refused

Attributes: TypeAlias = Mapping[str, str | None]
Filter: TypeAlias = Callable[[Attributes], bool]

ATTRIBUTES = (
    "type", "subject", "source", "kind", "relationship", "parent", "state", "method", "feed", "actor", "correlationid",
    "causationid",
)  # fmt: skip
"""The attributes that a filter may name."""
SIZE, DEPTH = 16_384, 16
"""Limits of the JSON of all filters together: in characters, and in filters within filters."""

_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "exact": str.__eq__,
    "prefix": str.startswith,
    "suffix": str.endswith,
}


def parse(text: str) -> Filter:
    """Reads filters: a JSON array, all of which must match, or one filter alone.

    Raises Refused for what is none, naming the mistake.
    """
    if len(text) > SIZE:
        raise Refused(f"filters: longer than {SIZE} characters; send fewer")
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(f'filters: no JSON ({error}); write [{{"exact": {{"type": "Linked"}}}}]') from None
    return _all(given if isinstance(given, list) else [given], DEPTH)


def _filter(given: Any, depth: int) -> Filter:
    if not isinstance(given, dict) or len(given) != 1:
        raise Refused("filters: each is an object with one member, the dialect: exact, prefix, suffix, all, any or not")
    if depth == 0:
        raise Refused(f"filters: nested deeper than {DEPTH}; write them flatter")
    ((dialect, value),) = given.items()
    if dialect in _COMPARISONS:
        return _comparison(dialect, value)
    if dialect == "not":
        inner = _filter(value, depth - 1)
        return lambda attributes: not inner(attributes)
    if dialect not in ("all", "any"):
        raise Refused(f"filters: no dialect {dialect[:40]!r}; use exact, prefix, suffix, all, any or not")
    if not isinstance(value, list) or not value:
        raise Refused(f"filters: {dialect} takes an array of filters, at least one")
    return _all(value, depth - 1) if dialect == "all" else _any(value, depth - 1)


def _comparison(dialect: str, value: Any) -> Filter:
    if not isinstance(value, dict) or not value:
        raise Refused(f'filters: {dialect} takes an object of attributes and values, as {{"type": "Linked"}}')
    for name, wanted in value.items():
        if name not in ATTRIBUTES:
            raise Refused(f"filters: no attribute {name[:40]!r}; there are {', '.join(ATTRIBUTES)}")
        if not isinstance(wanted, str) or not wanted:
            raise Refused(f"filters: the value of {name} is a text that is not empty")
    compare = _COMPARISONS[dialect]

    def matches(attributes: Attributes) -> bool:
        return all(
            (found := attributes.get(name)) is not None and compare(found, wanted) for name, wanted in value.items()
        )

    return matches


def _all(given: list[Any], depth: int) -> Filter:
    filters = [_filter(one, depth) for one in given]
    return lambda attributes: all(one(attributes) for one in filters)


def _any(given: list[Any], depth: int) -> Filter:
    filters = [_filter(one, depth) for one in given]
    return lambda attributes: any(one(attributes) for one in filters)
