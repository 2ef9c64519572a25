"""Directories of declarations of one's own: how their modules are found, and import each other."""

import sys
from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration
from tests.support.declarations import DOCKS, write

LIDS = """
    OWNER = Owner("{0}s")
    class {1}Put(Created, entity="{0}"):
        of: str
    class {1}Deleted(Deleted, entity="{0}"):
        pass
    class Delete{1}(Command, method="DELETE", path="/{0}s/{{key}}"):
        key: Key
"""
CASCADE = """
    from ..contracts.table import Delete{1}
    {0}s = Relationship(parent="group", child="{0}", via="of", on_parent_deleted=Cascade(Delete{1}))
"""


def declare(root: Path, kind: str = "lid") -> Path:
    """A kind, and a cascade with a command of its own, in modules that are called alike in every directory."""
    write(root, "contracts", "table", LIDS.format(kind, kind.title()))
    write(root, "relationships", "table", CASCADE.format(kind, kind.title()))
    return root


@pytest.mark.parametrize("name", ["plain", "my-own.catalog v1", "contracts", "1", "Bücher & Söhne", "import"])
def test_a_directory_of_any_name_can_declare_a_cascade_with_its_own_command(tmp_path: Path, name: str) -> None:
    path = list(sys.path)
    found = catalog.load([declare(tmp_path / name)])
    (command,) = (c for c in found.contracts.commands if c.__name__ == "DeleteLid")
    assert found.relationship("lids").sweep is command
    file = found.contracts.declared_in[command]
    assert file == str(tmp_path / name / "contracts" / "table.py")
    names = [name for name, module in [*sys.modules.items()] if getattr(module, "__file__", None) == file]
    assert names == [command.__module__]
    assert sys.path == path


def test_two_directories_may_share_names_of_modules_and_their_own_name(tmp_path: Path) -> None:
    found = catalog.load([declare(tmp_path / "a" / "catalog", "lid"), declare(tmp_path / "b" / "catalog", "pot")])
    sweeps = [found.relationship(name).sweep for name in ("lids", "pots")]
    assert [sweep.__name__ for sweep in sweeps if sweep in found.contracts.commands] == ["DeleteLid", "DeletePot"]


def test_a_module_may_be_a_link_to_a_file_elsewhere(tmp_path: Path) -> None:
    declare(tmp_path / "..data")
    for folder in ("contracts", "relationships"):
        (tmp_path / "here" / folder).mkdir(parents=True)
        (tmp_path / "here" / folder / "table.py").symlink_to(tmp_path / "..data" / folder / "table.py")
    found = catalog.load([tmp_path / "here"])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_modules_may_share_what_lies_beside_them(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "terms.py").write_text("DAYS = 3\n")
    wait = 'Relationship(parent="lid", child="lid", via="of", on_missing=Wait(deadline=timedelta(days=DAYS)))'
    write(tmp_path, "relationships", "lid_lid", f"from ..terms import DAYS\nlid_lid = {wait}")
    assert catalog.load([tmp_path]).relationship("lid_lid").on_missing.deadline.days == 3


def test_an_import_without_dots_is_refused_with_the_one_that_works(tmp_path: Path) -> None:
    declare(tmp_path)
    file = write(tmp_path, "relationships", "table", CASCADE.format("lid", "Lid").replace("..", ""))
    with pytest.raises(BadDeclaration, match=r"No module named 'contracts\.table'") as refusal:
        catalog.load([tmp_path])
    assert refusal.value.where == str(file)
    assert "from ..contracts.table import …" in refusal.value.mend


def test_a_module_that_failed_is_not_taken_for_a_good_one_later(tmp_path: Path) -> None:
    write(tmp_path, "contracts", "table", LIDS.format("lid", "Lid") + "    nonsense()\n")
    for _ in range(2):
        with pytest.raises(BadDeclaration, match="NameError: name 'nonsense'"):
            catalog.load([tmp_path])


def test_a_module_with_a_dot_in_its_name_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "contracts", "table.v2", LIDS.format("lid", "Lid"))
    with pytest.raises(BadDeclaration, match="a module's name has no dots") as refusal:
        catalog.load([tmp_path])
    assert (refusal.value.where, refusal.value.mend) == (str(file), "Rename the file.")


@pytest.fixture
def docks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name by which its own relationships may import a module of contracts that has commands."""
    write(tmp_path, "contracts", "docks", DOCKS)
    monkeypatch.syspath_prepend(str(tmp_path.parent))
    return f"{tmp_path.name}.contracts.docks"


def test_a_command_is_known_by_whatever_name_its_file_is_imported(tmp_path: Path, docks: str) -> None:
    via = 'Requested(BuildDock, {"name": "name"})'
    asked = f'Relationship(parent="group", child="dock", via={via}, cardinality=ONE_TO_ONE)'
    write(tmp_path, "relationships", "a", f"from {docks} import BuildDock\ngroup_dock = {asked}")
    found = catalog.load([tmp_path])
    requested = found.relationship("group_dock").requested
    assert requested is not None
    assert found.contracts.addressee(requested.command) == "docks"


def test_a_cascade_needs_a_fact_that_tells_of_its_end(tmp_path: Path, docks: str) -> None:
    cascade = 'Relationship(parent="group", child="dock", via="name", on_parent_deleted=Cascade(TearDownDock))'
    file = write(tmp_path, "relationships", "a", f"from {docks} import TearDownDock\nr = {cascade}")
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([tmp_path])
    assert (refusal.value.where, refusal.value.problem) == (str(file), "r: no fact tells that a dock is gone")
    assert refusal.value.mend.endswith('class …(Deleted, entity="dock").')


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="no such directory"):
        catalog.load([tmp_path / "nope"])
