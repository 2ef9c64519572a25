"""Compares what schemas say of numbers and texts: whether a branch of one is covered by those of another."""

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import pairwise
from math import ceil, floor, pi
from typing import Any

from catalog.schemas import formats
from catalog.schemas.branches import Branch
from catalog.schemas.contract_schema import Schema
from catalog.schemas.values import LONGEST, admits, lengths, texts

_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_STEPS = 60
"""Multiples that are tried on each side of a bound."""


class Covered(Enum):
    """Whether every value of a branch is accepted."""

    YES = auto()
    UNDECIDED = auto()


def numbers(writer: Branch, readers: Sequence[Branch]) -> Covered | float:
    """Whether the branches accept every number of the writer's; else a number that they do not.

    What the branches leave out is intervals between bounds that the schemas name, so numbers at them and between them
    decide. Multiples that are no multiples of each other can only be tried.
    """
    known = [_without_step(reader, writer) for reader in readers]
    stepless = [reader for reader in known if "multipleOf" not in reader.node]
    found = Covered.YES
    for value in _critical(writer, known):
        if admits(writer, value, {}) and not any(admits(reader, value, {}) for reader in stepless):
            if not any(admits(reader, value, {}) for reader in known):
                return value
            found = Covered.UNDECIDED
    return found


def _without_step(reader: Branch, writer: Branch) -> Branch:
    """The reader without its ``multipleOf``, if every number of the writer is a multiple of it."""
    step = reader.node.get("multipleOf")
    own = writer.node.get("multipleOf", 1 if writer.type == "integer" else None)
    if step is None or own is None or not float(own / step).is_integer():
        return reader
    return reader._replace(node={name: value for name, value in reader.node.items() if name != "multipleOf"})


def _critical(writer: Branch, readers: Sequence[Branch]) -> Iterator[float]:
    named = {branch.node[name] for branch in (writer, *readers) for name in _BOUNDS if name in branch.node}
    named |= {v for reader in readers for v in reader.values or ()}
    found = sorted(named) or [0]
    found = [found[0] - 1_000, *found, found[-1] + 1_000]
    step = writer.node.get("multipleOf")
    if step is not None:
        yield from (_whole(n * step) for p in found for n in _around(p / step))
    elif writer.type == "integer":
        yield from (n for p in found for n in _around(p))
    else:
        yield from (0.5, 1.5, *(_whole(p) for p in found))
        for low, high in pairwise(found):
            yield from (low + (high - low) * part for part in (0.5, 1 / pi, pi / 5))
        yield from (n for p in found for n in _around(p))


def _around(point: float) -> list[int]:
    near = [floor(point), ceil(point), floor(point) - 1, ceil(point) + 1]
    return near + [floor(point) + n for n in range(-_STEPS, _STEPS)]


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def strings(writer: Branch, readers: Sequence[Branch]) -> Covered | str:
    """Whether the branches accept every text of the writer's; else a text that they do not.

    Lengths are decided, and patterns and formats that both have; of others some texts are tried.
    """
    for text in _tried(writer, readers):
        if admits(writer, text, {}) and not any(admits(reader, text, {}) for reader in readers):
            return text
    if any(_narrower(writer.node, reader) for reader in readers):
        return Covered.YES
    by_length = [r.node for r in readers if r.values is None and not _has_shape(r.node)]
    least, most = lengths(writer.node, "Length")
    bounds = [bound for node in by_length for bound in lengths(node, "Length")]
    critical = {least, most, *bounds, *(b + n for b in bounds for n in (-1, 1) if b != float("inf"))}
    inside = [size for size in critical if least <= size <= most]
    if all(any(_includes(node, size) for node in by_length) for size in inside):
        return Covered.YES
    return Covered.UNDECIDED


def _includes(node: Schema, size: float) -> bool:
    least, most = lengths(node, "Length")
    return least <= size <= most


def _has_shape(node: Schema) -> bool:
    return "pattern" in node or node.get("format", "password") not in formats.ANYTHING


def _narrower(writer: Schema, reader: Branch) -> bool:
    """Whether each keyword of the reader is the writer's too, or wider."""
    if reader.values is not None:
        return False
    (least, most), (low, high) = lengths(writer, "Length"), lengths(reader.node, "Length")
    patterns = reader.node.get("pattern") in (None, writer.get("pattern"))
    format: Any = reader.node.get("format", "password")
    return low <= least and most <= high and patterns and (format in formats.ANYTHING or format == writer.get("format"))


def _tried(writer: Branch, readers: Sequence[Branch]) -> Iterator[str]:
    for reader in readers:
        sizes = [reader.node[name] for name in ("minLength", "maxLength") if name in reader.node]
        yield from ("a" * (size + n) for size in sizes for n in (-1, 0, 1) if 0 <= size + n <= LONGEST)
    for branch in (writer, *readers):
        yield from texts(branch)
        for value in branch.values or ():
            yield from (f"{value}a", f"{value}0", f"0{value}")
