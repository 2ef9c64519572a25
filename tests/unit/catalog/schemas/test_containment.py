"""Gaps between schemas: each change of a field, in both directions, with an example."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from catalog.schemas.containment import Gap, gaps
from catalog.schemas.contract_schema import CHECKS, schema_of
from catalog.vocabulary import Created


class Street(BaseModel):
    model_config = ConfigDict(strict=True)
    name: str
    part_of: "Street | None" = None


class Road(BaseModel):
    model_config = ConfigDict(strict=True)
    name: Annotated[str, Field(max_length=5)]
    part_of: "Road | None" = None


class Cat(BaseModel):
    model_config = ConfigDict(strict=True)
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    model_config = ConfigDict(strict=True)
    kind: Literal["dog"]
    name: str


class Pet(BaseModel):
    model_config = ConfigDict(strict=True)
    kind: Literal["cat", "dog"]
    lives: int
    name: str


class LaxPart(BaseModel):
    size: int


class StrictPart(BaseModel):
    model_config = ConfigDict(strict=True)
    size: int


SMALL = Annotated[int, Field(ge=0, le=3)]
LARGE = Annotated[int, Field(ge=4)]
WIDER: dict[str, tuple[Any, Any]] = {
    "integer to number": (int, float),
    "number to number or text": (float, float | str),
    "value to nullable": (str, str | None),
    "format to text": (date, str),
    "literal to text": (Literal["a", "b"], str),
    "fewer to more values": (Literal["a"], Literal["a", "b"]),
    "interval to two that cover it": (Annotated[int, Field(ge=0, le=9)], SMALL | LARGE),
    "multiples": (Annotated[int, Field(multiple_of=6)], Annotated[int, Field(multiple_of=3)]),
    "open to closed bound": (Annotated[float, Field(gt=1)], Annotated[float, Field(ge=1)]),
    "length to longer": (Annotated[str, Field(max_length=3)], Annotated[str, Field(max_length=4)]),
    "elements": (list[int], list[float]),
    "tuple to list": (tuple[int, str], list[int | str]),
    "values of a map": (dict[str, int], dict[str, int | None]),
    "model to map": (Street, dict[str, Any]),
    "map to anything": (dict[str, int], Any),
    "schema that refers to itself": (Road, Street),
    "shape to several by tag": (Cat, Annotated[Cat | Dog, Field(discriminator="kind")]),
    "values of a tag to shapes": (Pet, Cat | Dog),
    "strict to lax": (StrictPart, LaxPart),
}


def contract(annotation: Any, **more: Any) -> Any:
    return schema_of(create_model("ThingCreated", __base__=Created, field=(annotation, ...), **more))


@pytest.mark.parametrize(("narrow", "wide"), WIDER.values(), ids=WIDER.keys())
def test_wider_field_has_no_gap_and_the_reverse_has_one(narrow: Any, wide: Any) -> None:
    assert gaps(contract(narrow), contract(wide)) == []
    reverse = gaps(contract(wide), contract(narrow))
    assert reverse
    assert all(gap.path.startswith("field") for gap in reverse)


def test_equal_schemas_have_no_gap_though_they_hold_what_is_not_understood() -> None:
    for annotation in (Decimal, Annotated[str, Field(pattern="^(?P<a>x)")], set[int], Street, LaxPart):
        assert gaps(contract(annotation), contract(annotation)) == []


def test_gap_names_the_place_in_nested_data() -> None:
    found = gaps(contract(list[Street]), contract(list[Road]))
    assert [gap.path for gap in found] == ["field[].name"]
    assert found[0].examples == ({"field": [{"name": "aaaaaa"}]},)


def test_field_that_is_required_now_is_shown_by_data_without_it() -> None:
    found = gaps(contract(int), contract(int, more=(str, ...)))
    assert found == [Gap("more", "is required, and absent", ({"field": 1},))]


def test_further_fields_are_accepted_unless_a_model_forbids_them() -> None:
    closed = create_model("Closed", __config__=ConfigDict(strict=True, extra="forbid"), name=(str, ...))
    found = gaps(contract(Street), contract(closed))
    assert [(gap.path, gap.certain) for gap in found] == [("field.part_of", True)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Annotated[str, Field(pattern="^a+$")], Annotated[str, Field(pattern="^a*$")]),
        (list[int], set[int]),
        (LaxPart, StrictPart),
        (dict[Annotated[str, Field(pattern="a")], int], dict[Annotated[str, Field(pattern="a|b")], int]),
    ],
)
def test_what_cannot_be_decided_is_a_gap_without_example(before: Any, after: Any) -> None:
    found = gaps(contract(before), contract(after))
    assert found
    assert not any(gap.certain for gap in found)


def test_function_of_a_model_is_compared_by_its_text() -> None:
    class First(Created, entity="thing"):
        size: int

        @field_validator("size")
        @classmethod
        def even(cls, size: int) -> int:
            return size

    class Second(Created, entity="thing"):
        size: int

        @field_validator("size")
        @classmethod
        def even(cls, size: int) -> int:
            return size * 2

    plain = schema_of(create_model("Plain", __base__=Created, size=(int, ...)))
    first, second = schema_of(First), schema_of(Second)
    assert CHECKS in str(first)
    assert gaps(first, first) == gaps(first, plain) == []
    assert [gap.certain for gap in (*gaps(first, second), *gaps(plain, second))] == [False, False]
