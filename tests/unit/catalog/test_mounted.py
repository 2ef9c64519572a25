"""Modules of mounted catalog directories: how they import each other."""

import sys
import textwrap
from pathlib import Path

import pytest

from catalog import catalog
from tests.support.declarations import IMPORTS, LIDS, declare, refusal_of, relationship, write


@pytest.mark.parametrize(
    "name", ["plain", "my-own.catalog v1", "contracts", "1", "Bücher & Söhne", "import", "_x", "."]
)
def test_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
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
def test_modules_import_each_other_absolutely_or_relatively(tmp_path: Path, import_: str) -> None:
    found = catalog.load([declare(tmp_path, import_=import_)])
    assert found.relationship("lids").sweep in found.contracts.commands


def test_import_inside_a_function_finds_the_directory_too(tmp_path: Path) -> None:
    declare(
        tmp_path,
        import_="def late():\n        from contracts.table import Delete{1}\n        return Delete{1}\n"
        "    Delete{1} = late()",
    )
    assert catalog.load([tmp_path]).relationship("lids").sweep is not None


def test_two_directories_may_have_modules_of_the_same_names(tmp_path: Path) -> None:
    found = catalog.load([declare(tmp_path / "a" / "catalog", "lid"), declare(tmp_path / "b" / "catalog", "pot")])
    sweeps = [found.relationship(name).sweep for name in ("lids", "pots")]
    assert [sweep.__name__ for sweep in sweeps if sweep in found.contracts.commands] == ["DeleteLid", "DeletePot"]


@pytest.mark.parametrize(
    "import_",
    [
        "from contracts.teams import DeleteTeam",
        "from contracts import teams; DeleteTeam = teams.DeleteTeam",
    ],
)
def test_module_that_only_tether_has_is_imported(tmp_path: Path, import_: str) -> None:
    write(tmp_path, "contracts", "table", LIDS.format("lid", "Lid"))
    rel = 'Relationship(parent="group", child="team", via="name", on_parent_deleted=Cascade(DeleteTeam))'
    relationship(tmp_path, f"{import_}\nr = {rel}")
    found = catalog.load([tmp_path])
    assert found.relationship("r").sweep is found.relationship("event_team").sweep


def test_module_of_a_directory_hides_one_of_tether_there_only(tmp_path: Path) -> None:
    own = textwrap.dedent(LIDS).replace("Delete{1}(Command", "DeleteTeam(Command")
    cascade = """
from contracts.teams import DeleteTeam
{0} = Relationship(parent="group", child="{1}", via="{2}", on_parent_deleted=Cascade(DeleteTeam))
"""
    for name, text in (
        ("a/contracts/teams", "from tether import Command, Created, Deleted, Key, Owner" + own.format("lid", "Lid")),
        ("a/relationships/own", "from tether import Cascade, Relationship" + cascade.format("own", "lid", "of")),
        ("b/other", "from tether import Cascade, Relationship" + cascade.format("other", "team", "name")),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    found = catalog.load([tmp_path / "a", tmp_path / "b"])
    owners = [found.contracts.commands[sweep] for name in ("own", "other") if (sweep := found.relationship(name).sweep)]
    assert owners == ["lids", "teams"]


def test_modules_may_share_constants_that_lie_beside_them(tmp_path: Path) -> None:
    declare(tmp_path)
    (tmp_path / "terms.py").write_text("DAYS = 3\n")
    wait = 'Relationship(parent="lid", child="lid", via="of", on_missing=Wait(deadline=timedelta(days=DAYS)))'
    for name, import_ in (("lid_lid", "from ..terms import DAYS"), ("lid_own", "from terms import DAYS")):
        relationship(tmp_path, f"{import_}\n{name} = {wait}")
    found = catalog.load([tmp_path])
    assert [found.relationship(name).on_missing.deadline.days for name in ("lid_lid", "lid_own")] == [3, 3]


def test_each_load_reads_the_files_as_they_are(tmp_path: Path) -> None:
    for kind in ("lid", "pot"):  # both files have as many bytes, and may be written within the same second
        declare(tmp_path, kind)
        assert kind in catalog.load([tmp_path]).contracts.owner_of
        (tmp_path / "relationships" / f"{kind}s.py").unlink()
    assert not [*tmp_path.rglob("__pycache__")]


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        ("from contracts.vocabulary import Created", "Import it from tether: from tether import …."),
        ("from relationships.definition import Wait", "Import it from tether: from tether import …."),
        ("from tether import Asked", "Asked is called Requested now."),  # former name
        ("from tether import Still", "Still is called ExpectedParent now."),  # former name
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
