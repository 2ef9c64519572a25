"""The fields that merged records have together, by the rule of each field, and which record each comes from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from catalog.identity import FieldRule, MergePolicy


class Contribution(NamedTuple):
    """The fields of one record. ``key``: its own; ``orders``: field → order key of the fact that set it."""

    key: str
    data: Mapping[str, Any]
    orders: Mapping[str, bytes]


class CombinedFields(NamedTuple):
    """``data``: field → value; ``origins``: field → the keys of the records that it comes from."""

    data: dict[str, Any]
    origins: dict[str, list[str]]


def combine(policy: MergePolicy, records: Sequence[Contribution]) -> CombinedFields:
    """Combines records. ``records``: the survivor's first, then those of the losers by key."""
    combined = CombinedFields({}, {})
    for name in dict.fromkeys(name for record in records for name in record.data):
        having = [record for record in records if name in record.data]
        rule = policy.rule(name)
        if rule is FieldRule.UNION:
            combined.data[name] = _union(record.data[name] for record in having)
            combined.origins[name] = [record.key for record in having]
            continue
        chosen = _chosen(rule, name, having, records[0])
        if chosen is not None:
            combined.data[name] = chosen.data[name]
            combined.origins[name] = [chosen.key]
    return combined


def _chosen(rule: FieldRule, name: str, having: Sequence[Contribution], survivor: Contribution) -> Contribution | None:
    if rule is FieldRule.SURVIVOR:
        return survivor if name in survivor.data else None
    if rule is FieldRule.FIRST_NON_EMPTY:
        return next((record for record in having if not _is_empty(record.data[name])), having[0])
    return max(having, key=lambda record: record.orders[name])


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _union(values: Iterable[Any]) -> list[Any]:
    """All elements, each once: equal ones are those with the same JSON."""
    elements = (element for value in values for element in (value if isinstance(value, list) else [value]))
    found: dict[bytes, Any] = {}
    for element in elements:
        if element is not None:
            found.setdefault(orjson.dumps(element, option=orjson.OPT_SORT_KEYS), element)
    return list(found.values())
