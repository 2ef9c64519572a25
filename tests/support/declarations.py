"""Declarations in a directory of their own, as TETHER_CATALOG may name one."""

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


def write(root: Path, folder: str, name: str, text: str) -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    file = root / folder / f"{name}.py"
    file.write_text(textwrap.dedent(HEAD) + textwrap.dedent(text))
    return file
