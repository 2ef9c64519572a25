"""Writes declarations into a directory of their own, which TETHER_CATALOG could name."""

import re
import textwrap
from pathlib import Path

HEAD = """
    from datetime import timedelta
    from contracts.channels import AddChannelMember, CreateChannel, DeleteChannel
    from contracts.events import DeleteEvent
    from contracts.groups import DeleteGroup
    from contracts.teams import DeleteTeam, MoveTeam, WithdrawTeam
    from tether import (
        KEEP, ONE_TO_MANY, ONE_TO_ONE, RESTRICT, Cascade, Changed, Command, Created, Deleted, Detach, ExpectedParent,
        Fact, Key, Owner, Relationship, Requested, Through, Wait,
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


def relationship(root: Path, text: str) -> Path:
    """Writes a module of relationships/, named after the relationship that the text declares."""
    name = re.search(r"(\w+) = Relationship", text)
    assert name is not None
    return write(root, "relationships", name[1], text)


def write(root: Path, folder: str, name: str, text: str) -> Path:
    """Writes a module that imports everything a declaration may need; returns its file."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    file = root / folder / f"{name}.py"
    file.write_text(textwrap.dedent(HEAD) + textwrap.dedent(text))
    return file
