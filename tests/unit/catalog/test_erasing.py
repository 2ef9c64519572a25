"""Commands that let owners erase: what only the key can fill, and whose kinds they name."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration
from tests.support.declarations import write

OWNER = """
    from tether import Command, Created, Key, Owner

    OWNER = Owner("cards")

    class CardMade(Created, entity="card"):
        name: str

    class EraseCard(Command, method="POST", path="/cards/erasures", erases="{kind}"):
        {fields}
    {more}
"""
GOOD = {"kind": "card", "fields": "card: Key", "more": ""}
SECOND = 'class ForgetCard(Command, method="POST", path="/cards/forgotten", erases="card"):\n        card: Key'


def load(folder: Path, **changed: str) -> catalog.Catalog:
    write(folder, "contracts", "cards", OWNER.format(**{**GOOD, **changed}))
    return catalog.load([folder])


def test_command_that_erases_is_found_by_the_kind(tmp_path: Path) -> None:
    assert load(tmp_path).contracts.erasing["card"].__name__ == "EraseCard"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"kind": "group"}, "erases 'group', which its owner does not own"),
        ({"fields": "card: str"}, "nothing fills card"),
        ({"fields": "card: Key; name: str"}, "nothing fills name"),
        ({"more": SECOND}, "erases 'card' as well"),
    ],
)
def test_command_that_cannot_erase_is_refused(tmp_path: Path, changed: dict[str, str], problem: str) -> None:
    with pytest.raises(BadDeclaration, match=problem):
        load(tmp_path, **changed)
