"""Takes JSON Schemas apart into branches, each for values of one JSON type."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from catalog.schemas.closing import closed
from catalog.schemas.contract_schema import CHECKS, LAX, Schema

TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_UNIONS = ("anyOf", "oneOf")
_ANYTHING: Schema = {}
"""What the schema True means: one object, so that it is recognised."""
_ANNOTATIONS = {
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "discriminator"),
    *("$schema", "$id", "$defs", "$comment", LAX),
}
_UNDERSTOOD = _ANNOTATIONS | {
    *("$ref", "allOf", "anyOf", "oneOf", "type", "enum", "const", CHECKS),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "format"),
    *("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    *("properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
}


class Branch(NamedTuple):
    """What a schema says of values of one type. ``node``: its keywords; those for other types have no meaning here.

    ``values``: the only values, None for any; ``unknown``: keywords with their values that are not understood here, and
    functions of the model's own: nothing but that another schema has the same can be concluded from them.
    """

    type: str
    node: Schema
    values: tuple[Any, ...] | None
    unknown: frozenset[str]


def type_of(value: Any) -> str:
    """The JSON type of a value; ``integer`` also for a number such as 1.0."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case dict():
            return "object"
        case _:
            return "array"


def is_of(value: Any, type: str) -> bool:
    """Whether a value has this JSON type. An integer is a number."""
    found = type_of(value)
    return found == type or (found == "integer" and type == "number")


def is_anything(node: Any) -> bool:
    """Whether a schema accepts every value."""
    return node is True or (isinstance(node, dict) and not node.keys() - _ANNOTATIONS)


def branches(node: Any, root: Schema) -> list[Branch]:
    """The branches of a schema; a value is accepted if one of them accepts it. None: no value is."""
    return list(_branches(node, root, frozenset()))


def _branches(node: Any, root: Schema, unknown: frozenset[str]) -> Iterator[Branch]:
    if node is False:
        return
    node = _ANYTHING if node is True else node
    unknown |= {f"{CHECKS}={digest}" for digest in node.get(CHECKS, ())}
    unknown |= {f"{name}={_canonical(node[name], root)}" for name in node.keys() - _UNDERSTOOD}
    rest = {name: value for name, value in node.items() if name not in _ANNOTATIONS and name != CHECKS}
    if "$ref" in rest:
        target = root["$defs"][rest.pop("$ref").removeprefix("#/$defs/")]
        yield from _branches(target, root, unknown | _beside(rest, root))
    elif "allOf" in rest:
        first, *others = rest.pop("allOf")
        beside = _beside(rest, root) | {f"allOf={_canonical(other, root)}" for other in others}
        yield from _branches(first, root, unknown | beside)
    elif union := next((name for name in _UNIONS if name in rest), None):
        for one in rest.pop(union):
            yield from _branches(one, root, unknown | _beside(rest, root))
    else:
        yield from _plain(node, unknown)


def _plain(node: Schema, unknown: frozenset[str]) -> Iterator[Branch]:
    named = node.get("type", ("null", "boolean", "number", "string", "array", "object"))
    types = [named] if isinstance(named, str) else named
    if "enum" not in node and "const" not in node:
        for type in types:
            yield Branch(type, node, None, unknown)
        return
    listed = [node["const"]] if "const" in node else node["enum"]
    for type in TYPES:
        values = tuple(v for v in listed if type_of(v) == type and any(is_of(v, one) for one in types))
        if values:
            yield Branch(type, node, values, unknown)


def _beside(rest: Schema, root: Schema) -> frozenset[str]:
    """Keywords beside a reference or union, which pydantic does not write."""
    return frozenset(f"{name}={_canonical(value, root)}" for name, value in rest.items() if name in _UNDERSTOOD)


def _canonical(value: Any, root: Schema) -> str:
    """A text that is equal for schemas that mean the same, as far as that is easily seen."""
    return json.dumps(_inlined(closed(value), root, ()), sort_keys=True)


def _inlined(value: Any, root: Schema, within: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_inlined(item, root, within) for item in value]
    if not isinstance(value, dict):
        return value
    name = str(value.get("$ref", "")).removeprefix("#/$defs/")
    if name and name not in within and name in root.get("$defs", {}):
        value = {**value, "$ref": closed(root["$defs"][name])}
        within = (*within, name)
    return {k: _inlined(v, root, within) for k, v in value.items() if k not in _ANNOTATIONS}
