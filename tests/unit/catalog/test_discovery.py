"""Mounted catalog directories: how their modules are found, and how they import each other."""

import re
import sys
import textwrap
from pathlib import Path

import pytest

from catalog import catalog
from catalog.vocabulary import Command
from errors import BadDeclaration
from tests.support.declarations import DOCKS, relationship, write

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
    {import_}
    {0}s = Relationship(parent="group", child="{0}", via="of", on_parent_deleted=Cascade(Delete{1}))
"""
IMPORTS = [
    "from contracts.table import Delete{1}",
    "from contracts import table; Delete{1} = table.Delete{1}",
    "import contracts.table; Delete{1} = contracts.table.Delete{1}",
    "import contracts.table as own; Delete{1} = own.Delete{1}",
    "from ..contracts.table import Delete{1}",
    "from ..contracts import table; Delete{1} = table.Delete{1}",
]


def declare(root: Path, kind: str = "lid", import_: str = IMPORTS[0]) -> Path:
    """A kind, and a cascade with a command of its own, in a module of contracts of the same name everywhere."""
    write(root, "contracts", "table", LIDS.format(kind, kind.title()))
    imported = import_.format(kind, kind.title())
    write(root, "relationships", f"{kind}s", CASCADE.format(kind, kind.title(), import_=imported))
    return root


def refusal_of(*directories: Path) -> BadDeclaration:
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load(directories)
    return refusal.value


@pytest.mark.parametrize(
    "name", ["plain", "my-own.catalog v1", "contracts", "1", "Bücher & Söhne", "import", "_x", "."]
)
def test_directory_of_any_name_declares_a_cascade_with_its_own_command(tmp_path: Path, name: str) -> None:
    path = list(sys.path)
    found = catalog.load([declare(tmp_path / name)])
    (command,) = (c for c in found.contracts.commands if c.__name__ == "DeleteLid")
    assert found.relationship("lids").sweep is command
    file = found.contracts.declared_in[command]
    assert file == str(tmp_path / name / "contracts" / "table.py")
    names = [name for name, module in [*sys.modules.items()] if getattr(module, "__file__", None) == file]
    assert names == [command.__module__]
    assert sys.path == path


@pytest.mark.parametrize("import_", IMPORTS)
def test_modules_import_each_other_as_from_sys_path_or_relatively(tmp_path: Path, import_: str) -> None:
    found = catalog.load([declare(tmp_path, import_=import_)])
    assert found.relationship("lids").sweep in found.contracts.commands


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


def test_import_inside_a_function_finds_the_directory_too(tmp_path: Path) -> None:
    declare(
        tmp_path,
        import_="def late():\n        from contracts.table import Delete{1}\n        return Delete{1}\n"
        "    Delete{1} = late()",
    )
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_two_directories_may_share_names_of_modules_and_their_own_name(tmp_path: Path) -> None:
    found = catalog.load([declare(tmp_path / "a" / "catalog", "lid"), declare(tmp_path / "b" / "catalog", "pot")])
    sweeps = [found.relationship(name).sweep for name in ("lids", "pots")]
    assert [sweep.__name__ for sweep in sweeps if sweep in found.contracts.commands] == ["DeleteLid", "DeletePot"]


@pytest.mark.parametrize(
    "import_",
    [
        "from contracts.channels import DeleteChannel",
        "from contracts import channels; DeleteChannel = channels.DeleteChannel",
    ],
)
def test_module_of_tether_is_imported_if_the_directory_has_none_of_its_name(tmp_path: Path, import_: str) -> None:
    write(tmp_path, "contracts", "table", LIDS.format("lid", "Lid"))
    rel = 'Relationship(parent="group", child="channel", via="name", on_parent_deleted=Cascade(DeleteChannel))'
    relationship(tmp_path, f"{import_}\nr = {rel}")
    found = catalog.load([tmp_path])
    assert found.relationship("r").sweep is found.relationship("group_channel").sweep


def test_module_named_like_one_of_tether_hides_it_in_its_directory_alone(tmp_path: Path) -> None:
    own = textwrap.dedent(LIDS).replace("Delete{1}(Command", "DeleteChannel(Command")
    cascade = """
from contracts.channels import DeleteChannel
{0} = Relationship(parent="group", child="{1}", via="{2}", on_parent_deleted=Cascade(DeleteChannel))
"""
    for name, text in (
        ("a/contracts/channels", "from tether import Command, Created, Deleted, Key, Owner" + own.format("lid", "Lid")),
        ("a/relationships/own", "from tether import Cascade, Relationship" + cascade.format("own", "lid", "of")),
        ("b/other", "from tether import Cascade, Relationship" + cascade.format("other", "channel", "name")),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    found = catalog.load([tmp_path / "a", tmp_path / "b"])
    owners = [found.contracts.commands[sweep] for name in ("own", "other") if (sweep := found.relationship(name).sweep)]
    assert owners == ["lids", "channels"]


def test_module_may_be_a_link_to_a_file_elsewhere(tmp_path: Path) -> None:
    declare(tmp_path / "..data")
    for folder in ("contracts", "relationships"):
        (tmp_path / "here" / folder).mkdir(parents=True)
        for file in (tmp_path / "..data" / folder).glob("*.py"):
            (tmp_path / "here" / folder / file.name).symlink_to(file)
    found = catalog.load([tmp_path / "here"])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_folder_may_be_a_link_to_one_beside_it_that_is_hidden(tmp_path: Path) -> None:
    # Kubernetes mounts a ConfigMap so: contracts → ..data/contracts, ..data → ..2026_01_31.
    declare(tmp_path / "..2026_01_31")
    (tmp_path / "..data").symlink_to("..2026_01_31")
    for folder in ("contracts", "relationships"):
        (tmp_path / folder).symlink_to(f"..data/{folder}")
    found = catalog.load([tmp_path])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_links_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "contracts" / "circle").symlink_to(tmp_path)
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_modules_may_share_constants_that_lie_beside_them(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "terms.py").write_text("DAYS = 3\n")
    wait = 'Relationship(parent="lid", child="lid", via="of", on_missing=Wait(deadline=timedelta(days=DAYS)))'
    for name, import_ in (("lid_lid", "from ..terms import DAYS"), ("lid_own", "from terms import DAYS")):
        relationship(tmp_path, f"{import_}\n{name} = {wait}")
    found = catalog.load([tmp_path])
    assert [found.relationship(name).on_missing.deadline.days for name in ("lid_lid", "lid_own")] == [3, 3]


def test_hidden_private_and_test_files_are_not_read(tmp_path: Path) -> None:
    declare(tmp_path)
    for name in (
        "_draft.py",
        ".hidden.py",
        "tests/test_lids.py",
        ".git/hook.py",
        "_old/lids.py",
        "contracts/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1 / 0\n")
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_each_load_reads_the_files_as_they_are(tmp_path: Path) -> None:
    for kind in ("lid", "pot"):  # both files have as many bytes, and may be written within the same second
        declare(tmp_path, kind)
        assert kind in catalog.load([tmp_path]).contracts.owner_of
        (tmp_path / "relationships" / f"{kind}s.py").unlink()
    assert not [*tmp_path.rglob("__pycache__")]


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


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("from contracts.vocabulary import Created", "Import it from tether: from tether import …."),
        ("from relationships.definition import Wait", "Import it from tether: from tether import …."),
        ("from tether import Asked", "Asked is called Requested now."),  # former name
        ("from tether import Still", "Still is called ExpectedParent now."),
        ("Wait(deadline=timedelta(1), patience=timedelta(1))", "patience is called grace now."),  # former name
        (
            "from contracts.tabel import X",
            "Neither this catalog directory nor Tether has such a module: check its name.",
        ),
        ("1 / 0", "Mend the module."),
    ],
)
def test_module_that_cannot_be_imported_is_refused_with_the_mend(tmp_path: Path, line: str, mend: str) -> None:
    file = write(declare(tmp_path), "relationships", "wrong", line)
    refusal = refusal_of(tmp_path)
    assert (refusal.where, refusal.mend) == (str(file), mend)


@pytest.mark.parametrize("line", ["1 / 0", "def"])
def test_error_in_an_imported_module_names_that_module(tmp_path: Path, line: str) -> None:
    file = write(tmp_path, ".", "terms", line)
    write(tmp_path, ".", "a", "from terms import DAYS")
    assert refusal_of(tmp_path).where == str(file)


def test_module_that_failed_is_imported_again_by_the_next_load(tmp_path: Path) -> None:
    write(tmp_path, "contracts", "table", LIDS.format("lid", "Lid") + "    nonsense()\n")
    for _ in range(2):
        assert refusal_of(tmp_path).problem == "NameError: name 'nonsense' is not defined"


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
    """The name by which its own relationships may import a module of contracts that has commands."""
    write(tmp_path, "contracts", "docks", DOCKS)
    monkeypatch.syspath_prepend(str(tmp_path.parent))
    return f"{tmp_path.name}.contracts.docks"


def test_a_command_is_known_by_whatever_name_its_file_is_imported(tmp_path: Path, docks: str) -> None:
    via = 'Requested(BuildDock, {"name": "name"})'
    asked = f'Relationship(parent="group", child="dock", via={via}, cardinality=ONE_TO_ONE)'
    relationship(tmp_path, f"from {docks} import BuildDock\ngroup_dock = {asked}")
    found = catalog.load([tmp_path])
    requested = found.relationship("group_dock").requested
    assert requested is not None
    assert found.contracts.addressee(requested.command) == "docks"


def test_a_cascade_needs_a_fact_that_tells_of_its_end(tmp_path: Path, docks: str) -> None:
    cascade = 'Relationship(parent="group", child="dock", via="name", on_parent_deleted=Cascade(TearDownDock))'
    file = relationship(tmp_path, f"from {docks} import TearDownDock\nr = {cascade}")
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([tmp_path])
    assert (refusal.value.where, refusal.value.problem) == (str(file), "r: no fact tells that a dock is gone")
    assert refusal.value.mend.endswith('class …(Deleted, entity="dock").')


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="no such directory"):
        catalog.load([tmp_path / "nope"])
