"""Commands that retire losers: what cannot be filled, sent or confirmed is refused at start-up."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration
from tests.support.declarations import write

OWNER = """
    from tether import Command, Created, Deleted, Key, Merged, MergePolicy, Owner

    OWNER = Owner("cards")

    class CardMade(Created, entity="card"):
        name: str

    {deleted}

    class RetireCard(Command, method="POST", path="/cards/retirements"):
        {fields}

    class CardsMerged(Merged, entity="card", policy=MergePolicy(retire={retire})):
        survivor: str
        losers: list[str]
"""
DELETED = 'class CardGone(Deleted, entity="card"):\n        pass'
GOOD = {"deleted": DELETED, "fields": "card: Key; survivor: str", "retire": "RetireCard"}


def load(folder: Path, **changed: str) -> catalog.Catalog:
    write(folder, "contracts", "cards", OWNER.format(**{**GOOD, **changed}))
    return catalog.load([folder])


def test_command_that_retires_is_found_by_the_kind(tmp_path: Path) -> None:
    found = load(tmp_path).contracts
    assert "card" in found.retiring
    assert found.merging["card"].retire is not None


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"fields": "card: Key"}, "has no field 'survivor'"),
        ({"fields": "card: str; survivor: str"}, "is marked as Key"),
        ({"fields": "card: Key; survivor: str; colour: str"}, "nothing fills colour"),
        ({"deleted": ""}, "no fact says that a card was deleted"),
    ],
)
def test_command_that_cannot_retire_is_refused(tmp_path: Path, changed: dict[str, str], problem: str) -> None:
    with pytest.raises(BadDeclaration, match=problem) as refused:
        load(tmp_path, **changed)
    assert "cards.py" in refused.value.where
