"""Says which data that one schema describes is not accepted by another, each with an example."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from catalog.schemas.branches import Branch, branches, is_anything, is_of
from catalog.schemas.closing import closed
from catalog.schemas.contract_schema import LAX, Schema
from catalog.schemas.descriptions import describe
from catalog.schemas.scalars import Covered, numbers, strings
from catalog.schemas.values import (
    LONGEST,
    accepts,
    admits,
    item_schema,
    lengths,
    of_branch,
    property_schema,
    sample,
)

_MANY = 64
"""Values by which a union is taken apart, at most."""


@dataclass(frozen=True)
class Gap:
    """Data that one schema describes and another may not accept.

    ``path``: the field, as ``address.zip`` or ``tags[]``; empty: the data as a whole. ``what``: a sentence without a
    subject. ``examples``: data with it that is described and not accepted; empty: none was found, so that it is not
    certain that there is any.
    """

    path: str
    what: str
    examples: tuple[Any, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether an example shows it."""
        return bool(self.examples)


def gaps(writer: Schema, reader: Schema) -> list[Gap]:
    """What the reader does not accept of the data that has the declared fields of the writer alone.

    Empty: it accepts all of it. Whatever cannot be decided is a gap without an example.
    """
    root = closed(writer)
    found = _Comparison(root, reader).gaps(root, reader)
    return [gap if _shown(gap, root, reader) else replace(gap, examples=()) for gap in found]


def _shown(gap: Gap, writer: Schema, reader: Schema) -> bool:
    return all(accepts(writer, one, writer) and not accepts(reader, one, reader) for one in gap.examples)


class _Comparison:
    """Compares two documents, whose definitions may refer to themselves."""

    def __init__(self, writer: Schema, reader: Schema) -> None:
        self._writer, self._reader = writer, reader
        self._under_way: set[tuple[int, int]] = set()
        self._parting: set[int] = set()

    def gaps(self, writer: Any, reader: Any) -> list[Gap]:
        """The gaps between a schema of the writer's document and one of the reader's."""
        if is_anything(reader):
            return []
        readers = branches(reader, self._reader)
        accepted = describe(reader, self._reader)
        return [gap for branch in branches(writer, self._writer) for gap in self._of_branch(branch, readers, accepted)]

    def _of_branch(self, writer: Branch, readers: Sequence[Branch], accepted: str) -> list[Gap]:
        if writer.values is not None:
            return list(self._of_values(writer.values, readers, accepted)) + self._unknown(writer, readers)
        alike = [one for one in readers if one.type == writer.type or (one.type, writer.type) == ("number", "integer")]
        if writer.type == "number":
            alike += [one for one in readers if one.type == "integer"]
        if not alike:
            return [Gap("", f"may be {_a(writer)}; accepted is: {accepted}", _first(of_branch(writer, self._writer)))]
        match writer.type:
            case "null":
                return self._unknown(writer, alike)
            case "boolean":
                return list(self._of_values((True, False), alike, accepted)) + self._unknown(writer, alike)
            case "integer" | "number":
                return self._scalars(numbers(writer, alike), writer, alike, accepted)
            case "string":
                return self._scalars(strings(writer, alike), writer, alike, accepted)
            case _:
                return self._containers(writer, alike, accepted)

    def _of_values(self, values: Iterable[Any], readers: Sequence[Branch], accepted: str) -> Iterator[Gap]:
        for value in values:
            if not any(admits(one, value, self._reader) for one in readers):
                yield Gap("", f"may be {_text(value)}; accepted is: {accepted}", (value,))

    def _unknown(self, writer: Branch, readers: Sequence[Branch]) -> list[Gap]:
        """A gap, unless a reader has nothing that is not understood but what the writer has too."""
        if any(one.unknown <= writer.unknown for one in readers):
            return []
        names = sorted({text.partition("=")[0] for one in readers for text in one.unknown - writer.unknown})
        return [Gap("", f"is checked in another way than before ({', '.join(names)}), which cannot be compared")]

    def _scalars(self, found: Any, writer: Branch, readers: Sequence[Branch], accepted: str) -> list[Gap]:
        if found is Covered.YES:
            return self._unknown(writer, readers)
        if found is Covered.UNDECIDED:
            return [Gap("", f"was {describe(writer.node, self._writer)}, and accepted is: {accepted}; not decidable")]
        return [Gap("", f"may be {_text(found)}; accepted is: {accepted}", (found,))]

    def _containers(self, writer: Branch, readers: Sequence[Branch], accepted: str) -> list[Gap]:
        if len(readers) == 1:
            return self._container(writer, readers[0]) + self._unknown(writer, readers)
        readers = [one for one in readers if one.unknown <= writer.unknown] or readers
        results = [self._container(writer, one) for one in readers]
        if not all(results):
            return []
        if id(writer.node) not in self._parting and (parts := self._parted(writer, readers)):
            self._parting.add(id(writer.node))
            found = [gap for part in parts for gap in self._of_branch(part, readers, accepted)]
            self._parting.discard(id(writer.node))
            return found
        possible = [n for n, one in enumerate(readers) if not self._other_tag(writer, one)]
        if len(possible) == 1:
            return results[possible[0]]
        tried = [one for result in results for gap in result for one in gap.examples]
        refused = [one for one in tried if not any(admits(reader, one, self._reader) for reader in readers)]
        if refused:
            return [Gap("", f"may be {_text(refused[0])}; accepted is: {accepted}", (refused[0],))]
        return [Gap("", f"is one of several shapes ({accepted}), and which of them cannot be decided")]

    def _parted(self, writer: Branch, readers: Sequence[Branch]) -> list[Branch]:
        """The writer's objects by the values of the property whose value says which of the readers' shapes they have;
        empty if there is none, or the writer has one value of it."""
        own = writer.node.get("properties", {})
        for name in own if writer.type == "object" else ():
            values = _listed(branches(own[name], self._writer))
            if not values or not 1 < len(values) <= _MANY or name not in writer.node.get("required", ()):
                continue
            if all(_listed(branches(property_schema(one.node, name), self._reader)) for one in readers):
                return [
                    writer._replace(node={**writer.node, "properties": {**own, name: {"enum": [value]}}})
                    for value in values
                ]
        return []

    def _other_tag(self, writer: Branch, reader: Branch) -> bool:
        """Whether a property that both require has other values in each."""
        if writer.type != "object":
            return False
        for name in {*writer.node.get("required", ())} & {*reader.node.get("properties", {})}:
            ours = _listed(branches(property_schema(writer.node, name), self._writer))
            theirs = branches(property_schema(reader.node, name), self._reader)
            if ours and not any(admits(one, value, self._reader) for value in ours for one in theirs):
                return True
        return False

    def _container(self, writer: Branch, reader: Branch) -> list[Gap]:
        pair = (id(writer.node), id(reader.node))
        if pair in self._under_way:  # of schemas that refer to themselves: holds if nothing else is found
            return []
        self._under_way.add(pair)
        found = list(self._arrays(writer, reader) if writer.type == "array" else self._objects(writer, reader))
        self._under_way.discard(pair)
        lax = reader.node.get(LAX, False)
        if writer.node.get(LAX, False) and not lax:
            found.append(Gap("", "accepted values that can be converted, and is strict now"))
        return [replace(gap, examples=()) for gap in found] if lax else found

    def _arrays(self, writer: Branch, reader: Branch) -> Iterator[Gap]:
        whole = _first(of_branch(writer, self._writer))
        (least, most), (low, high) = lengths(writer.node, "Items"), lengths(reader.node, "Items")
        if least < low:
            yield Gap("", f"may have {least} elements; accepted are at least {low}", self._array(writer, least))
        if most > high:
            size = int(max(high + 1, least))
            yield Gap("", f"may have {size} elements; accepted are at most {high}", self._array(writer, size))
        if reader.node.get("uniqueItems") and not writer.node.get("uniqueItems") and most > 1:
            yield Gap("", "may have equal elements, and is a set now: of them one is kept")
        first = max(len(side.node.get("prefixItems", ())) for side in (writer, reader))
        for place in range(int(min(first + 1, most))):
            inner = self.gaps(item_schema(writer.node, place), item_schema(reader.node, place))
            base = list(whole[0]) if whole else []
            base += [one for n in range(len(base), place) for one in sample(item_schema(writer.node, n), self._writer)]
            for gap in inner:
                examples = tuple([*base[:place], one, *base[place + 1 :]] for one in gap.examples)
                yield _inside("[]" if place == first else f"[{place}]", gap, examples)

    def _array(self, writer: Branch, size: int) -> tuple[Any, ...]:
        if size > LONGEST:
            return ()
        items = [sample(item_schema(writer.node, n), self._writer) for n in range(size)]
        return ([item for one in items for item in one],) if all(items) else ()

    def _objects(self, writer: Branch, reader: Branch) -> Iterator[Gap]:
        ours, needed = writer.node.get("properties", {}), set(writer.node.get("required", ()))
        whole = _first(of_branch(writer, self._writer))
        for name in reader.node.get("required", ()):
            if name not in needed:
                absent = tuple({k: v for k, v in one.items() if k != name} for one in whole)
                yield Gap(name, "may be absent, and is required" if name in ours else "is required, and absent", absent)
        names = reader.node.get("propertyNames", True)
        for name, schema in ours.items():
            found = [
                gap for value in (name,) if not accepts(names, value, self._reader) for gap in [Gap("", "is no name")]
            ]
            yield from self._property(name, schema, property_schema(reader.node, name), whole, found)
        further = writer.node.get("additionalProperties", True)
        if further is not False:
            for name in reader.node.get("properties", {}).keys() - ours.keys():
                yield from self._property(name, further, property_schema(reader.node, name), whole, [])
            rest = reader.node.get("additionalProperties", True)
            yield from self._property("*", further, rest, whole, [])
            for gap in self.gaps(writer.node.get("propertyNames", {"type": "string"}), names):
                named = tuple({**w, k: v} for w in whole for k in gap.examples for v in sample(further, self._writer))
                yield _inside("*", gap, named)
        yield from self._sizes(writer, reader, whole)

    def _property(self, name: str, writer: Any, reader: Any, whole: tuple[Any, ...], found: list[Gap]) -> Iterator[Gap]:
        """The gaps of one property; ``whole``: an object that the writer describes, if one is known."""
        key = "key" if name == "*" else name
        if reader is False:
            one = sample(writer, self._writer)
            found = [Gap("", "is not accepted any more", one)] if one else found
        else:
            found = found + self.gaps(writer, reader)
        for gap in found:
            yield _inside(name, gap, tuple({**base, key: one} for base in whole for one in gap.examples))

    def _sizes(self, writer: Branch, reader: Branch, whole: tuple[Any, ...]) -> Iterator[Gap]:
        (least, most), (low, high) = lengths(writer.node, "Properties"), lengths(reader.node, "Properties")
        least = max(least, len(writer.node.get("required", ())))
        if writer.node.get("additionalProperties", True) is False:
            most = min(most, len(writer.node.get("properties", {})))
        if least < low:
            yield Gap("", f"may have {least} entries; accepted are at least {low}", whole)
        if most > high:
            further = sample(writer.node.get("additionalProperties", True), self._writer)
            many = ({f"key{n}": one for n in range(int(high) + 1)} for one in further if high < LONGEST)
            yield Gap("", f"may have more than {high} entries", tuple({**b, **m} for b in whole for m in many))


def _inside(name: str, gap: Gap, examples: tuple[Any, ...]) -> Gap:
    """The gap as one of the container that has it at ``name``: a property, or ``[]``."""
    dot = "" if not gap.path or gap.path.startswith("[") else "."
    return replace(gap, path=f"{name}{dot}{gap.path}", examples=examples)


def _listed(found: Sequence[Branch]) -> list[Any]:
    """The values that branches list; empty if one of them lists none."""
    return [v for one in found for v in one.values or ()] if all(one.values is not None for one in found) else []


def _first(values: Iterator[Any]) -> tuple[Any, ...]:
    return next(((value,) for value in values), ())


def _a(branch: Branch) -> str:
    return {"null": "null", "integer": "an integer", "array": "an array", "object": "an object"}.get(
        branch.type, f"a {branch.type}"
    )


def _text(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if is_of(value, "number") or len(text) <= 60 else f"{text[:57]}…"
