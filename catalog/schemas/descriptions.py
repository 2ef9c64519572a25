"""Describes a schema in a few words, for messages and tables."""

from typing import Any

import orjson

from catalog.schemas.branches import Branch, branches
from catalog.schemas.contract_schema import Schema
from catalog.schemas.values import item_schema, lengths

_MOST = 6
"""Values that are listed, at most."""


def describe(node: Any, root: Schema, deep: int = 0) -> str:
    """The types of a schema with their bounds: ``integer ≥ 1 | null``."""
    found = branches(node, root)
    if {one.type for one in found if not one.values and not one.node} >= {"null", "object", "string"}:
        return "anything"
    return " | ".join(dict.fromkeys(_branch(one, root, deep) for one in found)) or "nothing"


def _branch(branch: Branch, root: Schema, deep: int) -> str:
    node = branch.node
    if branch.values is not None:
        listed = [orjson.dumps(value).decode() for value in branch.values[:_MOST]]
        return " | ".join([*listed, *(["…"] if len(branch.values) > _MOST else [])])
    match branch.type:
        case "integer" | "number":
            signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
            bounds = [f"{sign} {node[name]}" for name, sign in signs.items() if name in node]
            step = [f"a multiple of {node['multipleOf']}"] if "multipleOf" in node else []
            return " ".join([branch.type, *bounds, *step])
        case "string":
            more = [node[name] for name in ("format", "pattern") if name in node]
            return " ".join(["string", *more, *_size(node, "Length", "characters")])
        case "array":
            items = f" of {describe(item_schema(node, 0), root, deep + 1)}" if deep < 1 else ""
            return " ".join([f"array{items}", *_size(node, "Items", "elements")])
        case "object":
            return str(node.get("title", "object"))
        case _:
            return branch.type


def _size(node: Schema, what: str, unit: str) -> list[str]:
    least, most = lengths(node, what)
    if most == float("inf"):
        return [f"with at least {least} {unit}"] if least else []
    return [f"of {least} to {most} {unit}"]
