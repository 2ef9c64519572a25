"""Relationships checked together: cycles that could request without end are refused, all others are accepted."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration
from tests.support.declarations import refusal_of, relationship, write

CASCADES = {
    "team_team": 'Relationship(parent="team", child="team", via="event_id", on_parent_deleted=Cascade(DeleteTeam))',
    "team_event": 'Relationship(parent="team", child="event", via="name", on_parent_deleted=Cascade(DeleteEvent))',
    "team_group": 'Relationship(parent="team", child="group", via="name", on_parent_deleted=Cascade(DeleteGroup))',
    "group_event": 'Relationship(parent="group", child="event", via="name", on_parent_deleted=Cascade(DeleteEvent))',
}
CYCLES = [["team_team"], ["team_event"], ["team_group", "group_event"], ["group_event", "team_group"]]
"""The shipped relationship event_team completes all cycles but the first."""


@pytest.mark.parametrize("names", CYCLES)
def test_cycle_of_cascades_is_accepted(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        relationship(tmp_path, f"{name} = {CASCADES[name]}")
    assert set(names) <= set(catalog.load([tmp_path]).relationships)


def test_two_cascades_to_the_same_kind_are_accepted(tmp_path: Path) -> None:
    relationship(tmp_path, f"group_event = {CASCADES['group_event']}")
    relationship(tmp_path, "group_team = " + CASCADES["team_team"].replace('parent="team"', 'parent="group"'))
    found = catalog.load([tmp_path])
    shipped = {r.name for r in catalog.load().sweeping["group"]}
    assert {r.name for r in found.sweeping["group"]} - shipped == {"group_event", "group_team"}


GAME = """
    OWNER = Owner("{0}s")
    class {1}Played(Created, entity="{0}"):
        by: str | None = None
    class Play{1}(Command, method="POST", path="/{0}s"):
        pass
"""
REQUESTED = """
    from ..contracts.{1} import Play{2}
    {0}_{1} = Relationship(parent="{0}", child="{1}", via=Requested(Play{2}), cardinality=ONE_TO_ONE)
"""


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """Pings, pongs and pungs, each with an owner of its own that a command can request from it."""
    for kind in ("ping", "pong", "pung"):
        write(tmp_path, "contracts", kind, GAME.format(kind, kind.title()))
    return tmp_path


def declare_request(game: Path, parent: str, child: str) -> Path:
    """Declares a one-to-one relationship whose child is requested; returns the file."""
    return relationship(game, REQUESTED.format(parent, child, child.title()))


@pytest.mark.parametrize(
    ("pairs", "cycle"),
    [
        (["ping ping"], "ping_ping → ping_ping"),
        (["ping pong", "pong ping"], "ping_pong → pong_ping → ping_pong"),
        (["ping pong", "pong pung", "pung ping"], "ping_pong → pong_pung → pung_ping → ping_pong"),
        (["ping pong", "pong pung", "pung pong"], "pong_pung → pung_pong → pong_pung"),
    ],
)
def test_cycle_of_requested_counterparts_is_refused(game: Path, pairs: list[str], cycle: str) -> None:
    files = [declare_request(game, *pair.split()) for pair in pairs]
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([game])
    assert refusal.value.where == str(max(files))
    assert refusal.value.problem == f"counterparts requested in a cycle: {cycle}"
    assert refusal.value.mend == "Let one of them use a field."


def test_cycle_of_counterparts_with_one_field_is_accepted(game: Path) -> None:
    declare_request(game, "ping", "pong")
    relationship(game, 'pong_ping = Relationship(parent="pong", child="ping", via="by")')
    assert {"ping_pong", "pong_ping"} <= set(catalog.load([game]).relationships)


def test_counterparts_of_the_same_kind_may_be_requested_twice(game: Path) -> None:
    for parent, child in (("ping", "pong"), ("ping", "pung"), ("pong", "pung")):
        declare_request(game, parent, child)
    assert {"ping_pong", "ping_pung", "pong_pung"} <= set(catalog.load([game]).relationships)


MIRROR = """
    OWNER = Owner("mirrors")
    class FolderAdded(Created, entity="folder"):
        under: str | None = None
        site: str | None = None
    class FolderRemoved(Deleted, entity="folder"):
        pass
    class RemoveFolder(Command, method="DELETE", path="/folders/{key}"):
        key: Key
    class ViewAdded(Created, entity="view"):
        under: str | None = None
        site: str | None = None
    class ViewRemoved(Deleted, entity="view"):
        pass
    class AddView(Command, method="POST", path="/views"):
        under: str | None = None
        site: str | None = None
    class RemoveView(Command, method="DELETE", path="/views/{key}"):
        key: Key
    class SiteAdded(Created, entity="site"):
        pass
    class SiteRemoved(Deleted, entity="site"):
        pass
"""
VIEW = """
    from contracts.mirrors import AddView
    folder_view = Relationship(
        parent="folder", child="view", via=Requested(AddView, {0}), cardinality=ONE_TO_ONE)
"""
CHILDREN = """
    from contracts.mirrors import RemoveFolder, RemoveView
    {0}_{1} = Relationship(parent="{0}", child="{1}", via="{2}", on_parent_deleted={3})
"""


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    """Folders in a tree, which cascades; each can request a view."""
    write(tmp_path, "contracts", "mirrors", MIRROR)
    relationship(tmp_path, CHILDREN.format("folder", "folder", "under", "Cascade(RemoveFolder)"))
    return tmp_path


def test_counterpart_that_is_requested_in_a_deleted_parent_is_refused(mirrors: Path) -> None:
    """The site of a folder may be deleted, and the folder stay: a view of it would be requested again and again."""
    files = [relationship(mirrors, VIEW.format('{"site": "site"}'))]
    files.append(relationship(mirrors, CHILDREN.format("site", "view", "site", "Cascade(RemoveView)")))
    refusal = refusal_of(mirrors)
    assert refusal.where == str(max(files))
    assert refusal.problem == "deletions and requests in a cycle: site_view → folder_view → site_view"
    assert refusal.mend == (
        "folder_view would request a view of a deleted site again and again. Let site_view KEEP, or take site Through "
        "relationships that lead to a site."
    )


def test_requested_mirror_of_a_tree_that_cascades_is_refused(mirrors: Path) -> None:
    """Folders in a circle have views in a circle, around which deletions and requests could follow each other."""
    relationship(mirrors, VIEW.format('{"under": Through("folder_folder", "folder_view")}'))
    file = relationship(mirrors, CHILDREN.format("view", "view", "under", "Cascade(RemoveView)"))
    refusal = refusal_of(mirrors)
    assert refusal.where == str(file)
    assert refusal.problem == "deletions and requests in a cycle: view_view → folder_view → view_view"
    assert refusal.mend == "Let view_view KEEP, or leave its field out of the request."


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ("{}", "Cascade(RemoveView)"),
        ('{"site": "site"}', "Cascade(RemoveView)"),
        ('{"under": Through("folder_folder", "folder_view")}', "KEEP"),
        ('{"under": Through("folder_folder", "folder_view")}', "RESTRICT"),
    ],
)
def test_tree_of_requested_counterparts_is_accepted(mirrors: Path, fields: str, policy: str) -> None:
    """Where the request does not say under which view the new one is, or no view is deleted with the one above."""
    relationship(mirrors, VIEW.format(fields))
    relationship(mirrors, CHILDREN.format("view", "view", "under", policy))
    assert {"folder_view", "view_view"} <= set(catalog.load([mirrors]).relationships)
