"""The fields of merged people, by hand: the rule of each field decides, and says which record a value comes from."""

from typing import Any

import pytest

from model.fields import ModelField, fields
from tests.support.events import Event, event
from tests.support.model_facts import CATALOG, facts

MERGED = event("PersonMerged", "a", 50, survivor="a", losers=["b", "c"])


def person(key: str, sequence: int, **data: Any) -> Event:
    return event("PersonChanged", key, sequence, id=f"{key}{sequence}", **data)


def field(name: str, *events: Event) -> ModelField | None:
    """Returns a field of the person that ``b`` goes on as."""
    return fields(CATALOG, facts([MERGED, *events]), "person", "b").get(name)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        # (sequence, value) of the survivor a, and of the losers b and c; None: the record does not have the field.
        ("name", [(1, "A"), (3, "B"), (2, "C")], ("B", ["b"])),  # the newest
        ("name", [(4, "A"), (3, "B"), None], ("A", ["a"])),
        ("company_id", [(1, "x"), (3, None), (2, "y")], (None, ["b"])),
        ("email", [(1, "a@x"), (3, "b@x"), None], ("a@x", ["a"])),  # the survivor's
        ("email", [None, (3, "b@x"), None], None),
        ("phone", [(1, ""), (3, None), (2, "7")], ("7", ["c"])),  # the first that is not empty
        ("phone", [None, (3, "8"), (4, "7")], ("8", ["b"])),
        ("phone", [(1, None), (3, ""), None], (None, ["a"])),
        ("labels", [(1, ["x"]), (3, ["y", "x"]), (2, ["z"])], (["x", "y", "z"], ["a", "b", "c"])),  # all
        ("labels", [(1, None), None, None], ([], ["a"])),
    ],
)
def test_rule_of_the_field_decides(
    name: str, values: list[tuple[int, Any] | None], expected: tuple[Any, list[str]] | None
) -> None:
    records = [
        person(key, *(value[:1] if value else (1,)), **({name: value[1]} if value else {"other": 1}))
        for key, value in zip("abc", values, strict=True)
    ]
    assert field(name, *records) == (None if expected is None else ModelField(*expected))


def test_loser_that_was_deleted_contributes_its_last_life() -> None:
    records = [person("a", 1, name="A"), person("b", 2, name="B")]
    deleted = event("PersonDeleted", "b", 3)
    assert field("name", *records, deleted) == ModelField("B", ["b"])
    assert field("name", *records, deleted, event("PersonCreated", "b", 4, phone="7")) == ModelField("A", ["a"])


def test_merged_person_that_is_not_live_has_no_fields() -> None:
    assert field("name", person("b", 2, name="B")) is None
    assert field("name", person("a", 1, name="A"), person("b", 2, name="B"), event("PersonDeleted", "a", 3)) is None
