"""What differs between two documents, in which direction it counts, and what the lint says."""

import textwrap
from pathlib import Path

import pytest

from catalog import catalog
from catalog.catalog import Catalog
from catalog.evolution.changes import ContractChange, compare, incompatible
from catalog.evolution.document import ContractDocument, as_json, document
from catalog.evolution.lint import is_past_tense, lint
from catalog.evolution.modes import Direction, Mode

HEAD = "from typing import Any\nfrom pydantic import BaseModel\nfrom tether import *\n"
SHOPS = """
    OWNER = Owner("shops")
    class ShopOpened(Created, entity="shop"):
        title: str
    class OpenShop(Command, method="POST", path="/shops/{title}"):
        title: str
        seats: int
"""
SECOND = """
    class ShopOpenedV2(Created, entity="shop", version=2):
        name: str
"""
UPCASTER = """
    from tether import upcast
    @upcast(ShopOpened, ShopOpenedV2)
    def renamed(data: dict[str, Any]) -> dict[str, Any]:
        return {"name": data["title"]}
"""


def declared(root: Path, text: str) -> ContractDocument:
    module = root / "contracts" / "shops.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    names = "Changed, Command, Created, Deleted, Key, Owner"
    module.write_text(HEAD.replace("*", names) + textwrap.dedent(text))
    return document(catalog.load([root], own=False))


def found(root: Path, before: str, after: str) -> list[ContractChange]:
    return compare(declared(root, before), declared(root, after))


def directions(changes: list[ContractChange]) -> set[Direction]:
    return {direction for change in changes for direction in change.breaks}


def test_document_survives_its_own_json(catalog: Catalog) -> None:
    whole = document(catalog)
    assert ContractDocument.model_validate(as_json(whole)) == whole
    assert compare(whole, whole) == []
    assert lint(whole) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("title: str\n    class", "title: str\n        phone: str | None = None\n    class", set()),
        ("title: str\n    class", "title: str\n        phone: str\n    class", {Direction.BACKWARD}),
        ("title: str\n    class", "title: str | None\n    class", {Direction.FORWARD}),
        ("title: str\n    class", "title: int\n    class", set(Direction)),
        ('Created, entity="shop"', 'Changed, entity="shop"', set(Direction)),
        ("title: str\n    class", "title: Key\n    class", set(Direction)),
        ("seats: int", "seats: int = 1", {Direction.BACKWARD}),
        ("seats: int", "seats: int\n        area: int", {Direction.FORWARD}),
        ("/shops/{title}", "/malls/{title}", set(Direction)),
    ],
)
def test_change_counts_in_its_directions(tmp_path: Path, before: str, after: str, expected: set[Direction]) -> None:
    changes = found(tmp_path, SHOPS, SHOPS.replace(before, after, 1))
    assert changes
    assert directions(changes) == expected
    for mode in Mode:
        assert bool(incompatible(changes, mode)) is bool(mode.directions & expected)


def test_new_version_breaks_nothing_and_wants_an_upcaster(tmp_path: Path) -> None:
    assert directions(found(tmp_path, SHOPS, SHOPS + SECOND)) == set()
    assert [one.rule for one in lint(declared(tmp_path, SHOPS + SECOND))] == ["upcaster"]
    assert lint(declared(tmp_path, SHOPS + SECOND + UPCASTER)) == []
    removed = [one for one in found(tmp_path, SHOPS + SECOND + UPCASTER, SHOPS + SECOND) if one.breaks]
    assert [one.about for one in removed] == ["upcaster ShopOpened.v1 → ShopOpened.v2"]


def test_change_of_a_version_names_the_upcasters_of_it(tmp_path: Path) -> None:
    before = SHOPS + SECOND + UPCASTER
    changes = found(tmp_path, before, before.replace("name: str", "name: str\n        web: str"))
    assert [one.concerns for one in changes if one.breaks] == [("upcaster ShopOpened.v1 → ShopOpened.v2",)]


@pytest.mark.parametrize("name", ["UserCreated", "PeopleKeptApart", "LetterSent", "PeopleMayBeMerged", "OrderPaid"])
def test_names_in_the_past_tense_are_recognised(name: str) -> None:
    assert is_past_tense(name)


@pytest.mark.parametrize("name", ["UserUpdate", "CreateUser", "NewUser", "NewsFeed", "SpeedIncrease", "UserNeed"])
def test_other_names_are_not_taken_for_the_past_tense(name: str) -> None:
    assert not is_past_tense(name)


def test_odd_versions_and_lax_parts_are_warned_of(tmp_path: Path) -> None:
    text = """
        OWNER = Owner("shops")
        class Place(BaseModel):
            city: str
        class ShopOpenedV2(Created, entity="shop"):
            place: Place
    """
    assert [one.rule for one in lint(declared(tmp_path, text))] == ["version", "strict"]
