"""Writes declarations into a temporary catalog directory, and loads it."""

import re
import textwrap
from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration

HEAD = """
    from datetime import timedelta
    from contracts.channels import AddChannelMember, CreateChannel, DeleteChannel
    from contracts.events import DeleteEvent
    from contracts.groups import DeleteGroup
    from contracts.teams import DeleteTeam, MoveTeam, WithdrawTeam
    from tether import (
        KEEP, ONE_TO_MANY, ONE_TO_ONE, RESTRICT, Activity, Cascade, Changed, Command, Created, Deleted, Detach,
        ExpectedParent, Fact, Key, Owner, Relationship, Replica, Requested, Through, Wait,
    )
"""
DOCKS = """
    OWNER = Owner("docks")
    class DockBuilt(Created, entity="dock"):
        name: str
    class BuildDock(Command, method="POST", path="/docks"):
        name: str
    class TearDownDock(Command, method="DELETE", path="/docks/{dock}"):
        dock: Key
"""


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


def relationship(root: Path, text: str) -> Path:
    """Writes a module into relationships/, named after the relationship that the text declares; returns its file."""
    name = re.search(r"(\w+) = Relationship", text)
    assert name is not None
    return write(root, "relationships", name[1], text)


def write(root: Path, folder: str, name: str, text: str) -> Path:
    """Writes a module that imports everything a declaration may need; returns its file."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    file = root / folder / f"{name}.py"
    file.write_text(textwrap.dedent(HEAD) + textwrap.dedent(text))
    return file


def declare(root: Path, kind: str = "lid", import_: str = IMPORTS[0]) -> Path:
    """Declares a kind, and a cascade that deletes it by its own command; returns the directory.

    The module of contracts is always called ``table``. ``import_``: the line by which the relationship imports from it.
    """
    write(root, "contracts", "table", LIDS.format(kind, kind.title()))
    imported = import_.format(kind, kind.title())
    write(root, "relationships", f"{kind}s", CASCADE.format(kind, kind.title(), import_=imported))
    return root


def refusal_of(*directories: Path) -> BadDeclaration:
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load(directories)
    return refusal.value
