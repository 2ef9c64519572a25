"""Mounted catalog directories: which modules are found, and which are refused."""

import re
from pathlib import Path

import pytest

from catalog import catalog
from catalog.vocabulary import Command
from errors import BadDeclaration
from tests.support.declarations import CASCADE, DOCKS, LIDS, declare, refusal_of, relationship, write


def test_readme_example_of_own_declarations_is_loaded(tmp_path: Path) -> None:
    readme = (Path(catalog.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```python\n# /etc/tether/catalog/(\S+)\n(.*?)```", readme, re.DOTALL):
        (tmp_path / name).write_text(text)
    found = catalog.load([tmp_path])
    assert found.contracts.commands[found.relationship("channel_post").sweep or Command] == "posts"


@pytest.mark.parametrize("import_", ["from table import DeleteLid", "from .table import DeleteLid"])
def test_plain_folder_holds_facts_and_relationships_side_by_side(tmp_path: Path, import_: str) -> None:
    write(tmp_path, ".", "table", LIDS.format("lid", "Lid"))
    write(tmp_path, ".", "lids", CASCADE.format("lid", "Lid", import_=import_))
    found = catalog.load([tmp_path])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_declarations_may_lie_in_any_folder_below(tmp_path: Path) -> None:
    write(tmp_path, "kitchen/deep", "table", LIDS.format("lid", "Lid"))
    write(tmp_path, "kitchen", "lids", CASCADE.format("lid", "Lid", import_="from kitchen.deep.table import DeleteLid"))
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_facts_and_their_relationship_may_share_one_file(tmp_path: Path) -> None:
    write(tmp_path, ".", "lids", LIDS.format("lid", "Lid") + CASCADE.format("lid", "Lid", import_=""))
    found = catalog.load([tmp_path])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_module_may_be_a_symbolic_link_to_a_file_elsewhere(tmp_path: Path) -> None:
    declare(tmp_path / "..data")
    for folder in ("contracts", "relationships"):
        (tmp_path / "here" / folder).mkdir(parents=True)
        for file in (tmp_path / "..data" / folder).glob("*.py"):
            (tmp_path / "here" / folder / file.name).symlink_to(file)
    found = catalog.load([tmp_path / "here"])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_folder_may_be_a_symbolic_link_to_a_hidden_folder(tmp_path: Path) -> None:
    # Kubernetes mounts a ConfigMap like this: contracts → ..data/contracts, ..data → ..2026_01_31.
    declare(tmp_path / "..2026_01_31")
    (tmp_path / "..data").symlink_to("..2026_01_31")
    for folder in ("contracts", "relationships"):
        (tmp_path / folder).symlink_to(f"..data/{folder}")
    found = catalog.load([tmp_path])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_cyclic_symbolic_links_are_followed_once(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "contracts" / "circle").symlink_to(tmp_path)
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_hidden_private_and_test_files_are_not_read(tmp_path: Path) -> None:
    declare(tmp_path)
    for name in (
        "_draft.py",
        ".hidden.py",
        "tests/test_lids.py",
        "test_beside.py",
        "conftest.py",
        "venv/module.py",
        ".git/hook.py",
        "_old/lids.py",
        "contracts/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1 / 0\n")
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_relationship_in_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    declare(tmp_path)
    file = tmp_path / "relationships" / "lids.py"
    file.rename(file.with_name("covers.py"))
    refusal = refusal_of(tmp_path)
    assert refusal.where == str(file.with_name("covers.py"))
    assert refusal.problem == "the relationship lids is declared in covers.py"
    assert refusal.mend == "Move it to a file of its own name: lids.py."


def test_second_relationship_in_a_file_is_refused(tmp_path: Path) -> None:
    file = relationship(
        declare(tmp_path),
        'b = Relationship(parent="lid", child="lid", via="of")\na = Relationship(\n'
        '    parent="lid", child="lid", via="of")',
    )
    refusal = refusal_of(tmp_path)
    assert (refusal.where, refusal.problem) == (str(file), "the relationship a is declared in b.py")


def test_relationship_may_be_imported_by_another_module(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "list_of_all.py").write_text("from relationships.lids import lids\nALL = [lids]\n")
    assert catalog.load([tmp_path]).relationship("lids").child == "lid"


@pytest.mark.parametrize("name", ["contracts/table.v2", "contracts.d/table"])
def test_module_or_folder_with_a_dot_in_its_name_is_refused(tmp_path: Path, name: str) -> None:
    folder, _, stem = name.partition("/")
    file = write(tmp_path, folder, stem, LIDS.format("lid", "Lid"))
    refusal = refusal_of(tmp_path)
    assert (refusal.where, refusal.mend) == (str(file), "Rename it.")
    assert refusal.problem == "the name of a module or its folder has no dots"


def test_folder_of_tether_itself_is_refused(tmp_path: Path) -> None:
    assert "this is Tether's own folder" in refusal_of(Path(catalog.__file__).parents[1]).problem


@pytest.fixture
def docks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dotted name of a module of contracts with commands, by which relationships may import it."""
    write(tmp_path, "contracts", "docks", DOCKS)
    monkeypatch.syspath_prepend(str(tmp_path.parent))
    return f"{tmp_path.name}.contracts.docks"


def test_command_of_a_file_imported_twice_has_its_owner(tmp_path: Path, docks: str) -> None:
    via = 'Requested(BuildDock, {"name": "name"})'
    declaration = f'Relationship(parent="group", child="dock", via={via}, cardinality=ONE_TO_ONE)'
    relationship(tmp_path, f"from {docks} import BuildDock\ngroup_dock = {declaration}")
    found = catalog.load([tmp_path])
    requested = found.relationship("group_dock").requested
    assert requested is not None
    assert found.contracts.addressee(requested.command) == "docks"


def test_cascade_needs_a_fact_that_the_child_was_deleted(tmp_path: Path, docks: str) -> None:
    cascade = 'Relationship(parent="group", child="dock", via="name", on_parent_deleted=Cascade(TearDownDock))'
    file = relationship(tmp_path, f"from {docks} import TearDownDock\nr = {cascade}")
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([tmp_path])
    assert (refusal.value.where, refusal.value.problem) == (str(file), "r: no fact says that a dock was deleted")
    assert refusal.value.mend.endswith('class …(Deleted, entity="dock").')


def test_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="no such directory"):
        catalog.load([tmp_path / "nope"])
