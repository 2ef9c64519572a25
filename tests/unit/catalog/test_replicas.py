"""Declared replicas: where they are found, and which mistakes keep Tether from starting."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import Unknown
from tests.support.declarations import refusal_of, write

PENS = """
    OWNER = Owner("pens")
    class PenMade(Created, entity="pen"):
        colour: str
        maker: str = ""
    class PenUsed(Activity, entity="use", of="pen"):
        pen_id: str
"""


@pytest.fixture
def pens(tmp_path: Path) -> Path:
    """A directory that declares the kind ``pen`` and a feed about it."""
    write(tmp_path, "contracts", "pens", PENS)
    return tmp_path


def test_replica_of_this_tree_and_of_a_directory_are_found(pens: Path) -> None:
    write(pens, "replicas", "pen_colour", 'copied = Replica("pen_colour", of="pen", fields=["colour"])')
    found = catalog.load([pens])
    assert found.replica("pen_colour").fields == ("colour",)
    assert found.replica("shopping_customer").of == "user"


def test_only_declared_fields_of_an_entity_are_copied() -> None:
    replica = catalog.load().replica("shopping_customer")
    assert replica.reduced({"phone": "1", "email": "a@b", "name": None}) == {"name": None, "email": "a@b"}
    assert replica.reduced({"phone": "1"}) == {}


def test_unknown_replica_is_refused_with_those_that_are_declared() -> None:
    with pytest.raises(Unknown, match="no replica 'customer'; declared are: shopping_customer"):
        catalog.load().replica("customer")


def test_replica_may_be_imported_by_another_module(pens: Path) -> None:
    write(pens, "replicas", "pen_colour", 'pen_colour = Replica("pen_colour", of="pen", fields=("colour",))')
    (pens / "all_of_them.py").write_text("from replicas.pen_colour import pen_colour\n")
    assert "pen_colour" in catalog.load([pens]).replicas


def test_same_name_in_two_directories_is_refused(pens: Path) -> None:
    first = write(pens, "replicas/more", "r", 'r = Replica("r", of="pen", fields=("maker",))')
    second = write(pens, "replicas", "r", 'r = Replica("r", of="pen", fields=("colour",))')
    refusal = refusal_of(pens)
    assert (refusal.where, refusal.problem) == (str(second), f"the replica 'r' is declared in {first} as well")
    assert refusal.mend == "Rename one of them."


MISTAKES = {
    'Replica("r", of="penn", fields=("colour",))': "r: no contract declares the kind 'penn'. Is 'pen' meant?",
    'Replica("r", of="zzz", fields=("colour",))': "r: no contract declares the kind 'zzz'. Known: activity, ",
    'Replica("r", of="use", fields=("pen_id",))': "r: 'use' is a feed of activity, which has no state to copy",
    'Replica("r", of="pen", fields=("color",))': "r: no fact of 'pen' has the field 'color'. Is 'colour' meant?",
    'Replica("r", of="pen", fields=("zzz",))': "r: no fact of 'pen' has the field 'zzz'. Its fields are: colour",
    'Replica("r", of="pen", fields=("colour", "colour"))': "r: colour is named twice. Name each field once.",
    'Replica("r", of="pen", fields=())': "r: fields=() is no list of fields. Name at least one",
    'Replica("r", of="pen", fields=("colour"))': "r: fields='colour' is no list of fields. Name at least one",
    'Replica("s", of="pen", fields=("colour",))': "the replica 's' is declared in r.py. Move it to a file of its own",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistake_in_a_replica_is_refused_with_file_and_mend(pens: Path, text: str) -> None:
    file = write(pens, "replicas", "r", f"r = {text}")
    refusal = refusal_of(pens)
    assert MISTAKES[text] in str(refusal)
    assert refusal.where == str(file)


@pytest.mark.parametrize(
    ("name", "problem"), [("r" * 65, "is longer than 64 bytes: it has 65"), ("R", "cannot name a")]
)
def test_name_of_a_replica_is_short_and_in_small_letters(pens: Path, name: str, problem: str) -> None:
    write(pens, "replicas", name, f'r = Replica("{name}", of="pen", fields=("colour",))')
    assert problem in refusal_of(pens).problem
