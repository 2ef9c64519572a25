"""Says whether a schema accepts a value, and makes values that it accepts."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from catalog.schemas import formats
from catalog.schemas.branches import Branch, branches, is_of, type_of
from catalog.schemas.contract_schema import Schema

LONGEST = 2_000
"""Characters or elements of a value that is made, at most."""
_DEEPEST = 8
"""Levels of a value that is made, at most."""
_FRESH = "key"
_ORDER = {"string": 0, "integer": 0, "number": 0, "boolean": 0, "null": 1, "array": 2, "object": 2}
_PLAIN: dict[str, Any] = {"null": None, "boolean": True, "integer": 1, "number": 1.5, "string": "a"}


def accepts(node: Any, value: Any, root: Schema) -> bool:
    """Whether a schema accepts a value; ``root``: the document with its definitions. Keywords that are not understood
    accept every value."""
    return any(admits(branch, value, root) for branch in branches(node, root))


def admits(branch: Branch, value: Any, root: Schema) -> bool:
    """Whether a branch accepts a value."""
    if not is_of(value, branch.type):
        return False
    if branch.values is not None:
        return any(type_of(one) == type_of(value) and one == value for one in branch.values)
    match branch.type:
        case "integer" | "number":
            return within(branch.node, value)
        case "string":
            return _text_fits(branch.node, value)
        case "array":
            return _array_fits(branch.node, value, root)
        case "object":
            return _object_fits(branch.node, value, root)
        case _:
            return True


def within(node: Schema, value: float) -> bool:
    """Whether a number is within the bounds of a schema, and one of its multiples."""
    if value < node.get("minimum", value) or value > node.get("maximum", value):
        return False
    infinite = float("inf")
    if not node.get("exclusiveMinimum", -infinite) < value < node.get("exclusiveMaximum", infinite):
        return False
    step = node.get("multipleOf")
    if step is None:
        return True
    if isinstance(step, int) and isinstance(value, int):
        return value % step == 0
    return bool(abs(value / step - round(value / step)) < 1e-9)


def lengths(node: Schema, what: str) -> tuple[int, float]:
    """The least and the greatest length: ``what`` is ``Length``, ``Items`` or ``Properties``."""
    return node.get(f"min{what}", 0), node.get(f"max{what}", float("inf"))


def _text_fits(node: Schema, value: str) -> bool:
    least, most = lengths(node, "Length")
    if not least <= len(value) <= most:
        return False
    if "pattern" in node and not formats.matches(value, node["pattern"]):
        return False
    return formats.has_format(value, node.get("format", "password"))


def item_schema(node: Schema, place: int) -> Any:
    """The schema of the element at a place of an array."""
    first: list[Any] = node.get("prefixItems", [])
    return first[place] if place < len(first) else node.get("items", True)


def _array_fits(node: Schema, value: list[Any], root: Schema) -> bool:
    least, most = lengths(node, "Items")
    # Of a set, equal elements are one: that the schema calls them unique refuses nothing.
    return least <= len(value) <= most and all(accepts(item_schema(node, n), v, root) for n, v in enumerate(value))


def property_schema(node: Schema, name: str) -> Any:
    """The schema of a property: its own, or that of further ones."""
    own = node.get("properties", {})
    return own[name] if name in own else node.get("additionalProperties", True)


def _object_fits(node: Schema, value: dict[str, Any], root: Schema) -> bool:
    least, most = lengths(node, "Properties")
    return (
        least <= len(value) <= most
        and all(name in value for name in node.get("required", ()))
        and all(accepts(node.get("propertyNames", True), name, root) for name in value)
        and all(accepts(property_schema(node, name), item, root) for name, item in value.items())
    )


def samples(node: Any, root: Schema, deep: int = 0) -> Iterator[Any]:
    """A few values that a schema accepts, simple ones first. None may be found, though there are some."""
    if deep > _DEEPEST:
        return
    simple_first = sorted(branches(node, root), key=lambda branch: _ORDER[branch.type])
    yield from chain.from_iterable(of_branch(branch, root, deep) for branch in simple_first)


def sample(node: Any, root: Schema, deep: int = 0) -> tuple[Any, ...]:
    """One value that a schema accepts; empty if none is found."""
    return tuple(islice(samples(node, root, deep), 1))


def of_branch(branch: Branch, root: Schema, deep: int = 0) -> Iterator[Any]:
    """A few values that a branch accepts."""
    match branch.type:
        case _ if branch.values is not None:
            made: Iterator[Any] = iter(branch.values)
        case "integer" | "number":
            made = iter([_PLAIN[branch.type], *near_bounds(branch)])
        case "string":
            made = texts(branch)
        case "array":
            made = _arrays(branch.node, root, deep)
        case "object":
            made = _objects(branch.node, root, deep)
        case _:
            made = iter([_PLAIN[branch.type]])
    yield from (value for value in made if admits(branch, value, root))


def near_bounds(branch: Branch) -> list[float]:
    """Numbers at the bounds of a branch, and near to them."""
    node = branch.node
    step = node.get("multipleOf", 1)
    named = [node[n] for n in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if n in node] or [0]
    found = [bound + more for bound in named for more in (0, 1, -1, 0.5, -0.5)]
    found += [step * (bound // step + n) for bound in named for n in (0, 1, -1)]
    return [int(value) if float(value).is_integer() else value for value in found]


def texts(branch: Branch) -> Iterator[str]:
    """Texts of the lengths that a branch names, and of the formats that are known."""
    least, most = lengths(branch.node, "Length")
    if format := formats.EXAMPLES.get(branch.node.get("format", "")):
        yield format
    yield from ("a" * int(n) for n in (max(least, 1), least, most) if n <= LONGEST)
    yield from formats.EXAMPLES.values()
    yield from ("0", "1", "A", "0" * int(min(max(least, 1), LONGEST)), "A" * int(min(max(least, 1), LONGEST)), "-", "~")


def _arrays(node: Schema, root: Schema, deep: int) -> Iterator[list[Any]]:
    least, _ = lengths(node, "Items")
    for size in {least, max(least, 1)}:
        items = [sample(item_schema(node, n), root, deep + 1) for n in range(min(size, LONGEST))]
        if all(items):
            yield [item for one in items for item in one]


def _objects(node: Schema, root: Schema, deep: int) -> Iterator[dict[str, Any]]:
    needed: list[str] = list(node.get("required", ()))
    for names in (needed, [*needed, *(n for n in node.get("properties", {}) if n not in needed)]):
        values = {name: sample(property_schema(node, name), root, deep + 1) for name in names}
        whole = {name: one[0] for name, one in values.items() if one}
        least, _ = lengths(node, "Properties")
        for n in range(least - len(whole)):
            if more := sample(node.get("additionalProperties", True), root, deep + 1):
                whole[f"{_FRESH}{n}"] = more[0]
        if all(name in whole for name in needed):
            yield whole
