"""Shapes of fields, the models that they make, and payloads of them: made from the shapes, and not from schemas."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import Annotated, Any, Literal, Union
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, create_model

from catalog.catalog import Catalog
from catalog.registry import Contract, Contracts
from catalog.vocabulary import Created, Effect, Fact
from config import Limits
from errors import Unacceptable
from facts.envelope import Envelope
from facts.validation import Validator

TYPE = "ThingCreated.v1"
PATTERNS = {"^a+$": ("a", "aaa"), "^a*$": ("", "a"), "^[0-9]+$": ("0", "77"), "^b": ("b", "ba")}
FORMATS: dict[type, tuple[str, ...]] = {
    date: ("2026-01-31", "2024-02-29"),
    datetime: ("2026-01-31T12:00:00Z", "2024-02-29T00:00:00.5+01:00"),
    UUID: ("0b8f4c5e-5a3c-4b0e-9d0a-1f2e3d4c5b6a",),
}
_FAR = 1_000


@dataclass(frozen=True)
class Shape:
    """What a field holds. ``kind``: as in ``_ANNOTATIONS``; ``bounds``: of a number or size; ``inner``: shapes within.

    ``values``: of a literal; ``fields``: of a nested model; ``named``: a pattern, a format, or how open a model is.
    """

    kind: str
    bounds: tuple[int | None, int | None] = (None, None)
    inner: tuple[Shape, ...] = ()
    values: tuple[Any, ...] = ()
    fields: tuple[FieldShape, ...] = ()
    named: Any = None
    step: int | None = None


@dataclass(frozen=True)
class FieldShape:
    """A field of a model."""

    name: str
    shape: Shape
    required: bool


def _sized(annotation: Any, shape: Shape) -> Any:
    least, most = shape.bounds
    return Annotated[annotation, Field(min_length=least, max_length=most)]


def _number(annotation: Any, shape: Shape) -> Any:
    least, most = shape.bounds
    limits = {"gt" if shape.named == "open" else "ge": least, "lt" if shape.named == "open" else "le": most}
    given: dict[str, Any] = {n: v for n, v in {**limits, "multiple_of": shape.step}.items() if v is not None}
    return Annotated[annotation, Field(**given)] if given else annotation


_ANNOTATIONS: dict[str, Callable[[Shape], Any]] = {
    "integer": lambda shape: _number(int, shape),
    "number": lambda shape: _number(float, shape),
    "string": lambda shape: _sized(str, shape),
    "pattern": lambda shape: Annotated[str, Field(pattern=shape.named)],
    "format": lambda shape: shape.named,
    "boolean": lambda shape: bool,
    "null": lambda shape: None,
    "anything": lambda shape: Any,
    "literal": lambda shape: Literal[shape.values],
    "enum": lambda shape: enum.Enum("Colour", {f"n{n}": value for n, value in enumerate(shape.values)}),
    "union": lambda shape: Union[tuple(annotation(one) for one in shape.inner)],  # noqa: UP007 (of a tuple)
    "list": lambda shape: _sized(list[annotation(shape.inner[0])], shape),  # type: ignore[misc]
    "map": lambda shape: _sized(dict[str, annotation(shape.inner[0])], shape),  # type: ignore[misc]
    "tuple": lambda shape: tuple[tuple(annotation(one) for one in shape.inner)],  # type: ignore[misc]
    "model": lambda shape: _model(shape.fields, extra=shape.named),
}


def annotation(shape: Shape) -> Any:
    """The Python type of a field of this shape."""
    return _ANNOTATIONS[shape.kind](shape)


def _model(fields: tuple[FieldShape, ...], extra: Any) -> type[BaseModel]:
    base = create_model("Base", __config__=ConfigDict(strict=True, extra=extra))
    return create_model("Part", __base__=base, **_definitions(fields))


def _definitions(fields: tuple[FieldShape, ...]) -> Any:
    return {one.name: (annotation(one.shape), ... if one.required else None) for one in fields}


def fact(fields: tuple[FieldShape, ...]) -> type[Fact]:
    """The contract with these fields."""
    return create_model("ThingCreated", __base__=Created, __cls_kwargs__={"entity": "thing"}, **_definitions(fields))


def payload(fields: tuple[FieldShape, ...], random: Random) -> dict[str, Any]:
    """Data that has declared fields alone, near to all bounds."""
    return {one.name: value(one.shape, random) for one in fields if one.required or random.random() < 0.6}


def value(shape: Shape, random: Random) -> Any:  # noqa: C901 (one case for each kind)
    """A JSON value of this shape."""
    match shape.kind:
        case "integer" | "number":
            return _numeric(shape, random)
        case "string":
            return "".join(random.choice("ab01é") for _ in range(_size(shape, random)))
        case "pattern":
            return random.choice(PATTERNS[shape.named])
        case "format":
            return random.choice(FORMATS[shape.named])
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case "anything":
            return random.choice([None, True, 1, 1.5, "a", "2026-01-31", [], [1], {}, {"a": 1}])
        case "literal" | "enum":
            return random.choice(shape.values)
        case "union":
            return value(random.choice(shape.inner), random)
        case "list":
            return [value(shape.inner[0], random) for _ in range(_size(shape, random))]
        case "map":
            return {
                random.choice("abcdefgh") + str(n): value(shape.inner[0], random) for n in range(_size(shape, random))
            }
        case "tuple":
            return [value(one, random) for one in shape.inner]
        case _:
            return payload(shape.fields, random)


def _numeric(shape: Shape, random: Random) -> float:
    least, most = (-_FAR if shape.bounds[0] is None else shape.bounds[0], shape.bounds[1])
    most = max(least, 0) + _FAR if most is None else most
    if shape.kind == "number" and shape.step is None:
        near = [least, most, least + 0.5, most - 0.5, random.uniform(least, most)]
        inside = [n for n in near if (least < n < most if shape.named == "open" else least <= n <= most)]
        return random.choice(inside)
    step = shape.step or 1
    low, high = (least + 1, most - 1) if shape.named == "open" else (least, most)
    first, last = -(-low // step), high // step
    return step * random.choice([first, last, random.randint(first, last)])


def _size(shape: Shape, random: Random) -> int:
    least = shape.bounds[0] or 0
    most = least + 4 if shape.bounds[1] is None else shape.bounds[1]
    return random.choice([least, most, random.randint(least, most)])


def acceptance(model: type[Fact]) -> Callable[[dict[str, Any]], bool]:
    """Whether the validation of facts accepts data under a contract, as a function."""
    contract = Contract(TYPE, "ThingCreated", 1, "thing", Effect.CREATED, "things", model, None, "here")
    validator = Validator(Catalog(Contracts(by_type={TYPE: contract})), Limits())

    def accepts(data: dict[str, Any]) -> bool:
        parsed = orjson.loads(orjson.dumps(data))
        try:
            validator.validate(Envelope("/things", "1", TYPE, "key", None, None, parsed, None, None, None, None))
        except Unacceptable:
            return False
        return True

    return accepts
