"""Relationships checked together: cycles of cascades or of requested counterparts are refused."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration
from tests.support.declarations import relationship, write

CASCADES = {
    "team_team": 'Relationship(parent="team", child="team", via="event_id", on_parent_deleted=Cascade(DeleteTeam))',
    "team_event": 'Relationship(parent="team", child="event", via="name", on_parent_deleted=Cascade(DeleteEvent))',
    "team_group": 'Relationship(parent="team", child="group", via="name", on_parent_deleted=Cascade(DeleteGroup))',
    "group_event": 'Relationship(parent="group", child="event", via="name", on_parent_deleted=Cascade(DeleteEvent))',
}
CYCLES = [["team_team"], ["team_event"], ["team_group", "group_event"], ["group_event", "team_group"]]
"""The shipped relationship event_team completes all cycles but the first."""
NAMELESS = """
    OWNER = Owner("{0}s")
    class {1}Anonymised(Changed, entity="{0}"):
        name: None
"""
"""A fact that clears ``name``, which a Detach needs."""


@pytest.mark.parametrize("names", CYCLES)
def test_cycle_of_cascades_is_refused_with_the_last_file(tmp_path: Path, names: list[str]) -> None:
    files = [relationship(tmp_path, f"{name} = {CASCADES[name]}") for name in names]
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([tmp_path])
    assert refusal.value.where == str(max(files))
    cycle = refusal.value.problem.removeprefix("cascades in a cycle: ").split(" → ")
    assert cycle[0] == cycle[-1]
    assert sorted(cycle[1:]) == sorted({*names, *(() if names == ["team_team"] else ("event_team",))})
    assert refusal.value.mend == "Let one of them KEEP or Detach."


@pytest.mark.parametrize("names", CYCLES)
@pytest.mark.parametrize("policy", ["KEEP", "Detach({0})", "RESTRICT"])
def test_cycle_with_one_other_policy_is_accepted(tmp_path: Path, names: list[str], policy: str) -> None:
    for kind in ("event", "group"):
        write(tmp_path, "contracts", kind, NAMELESS.format(kind, kind.title()))
    for n, name in enumerate(names):
        text = CASCADES[name]
        if n == 0:
            command = text.partition("Cascade(")[2].partition(")")[0]
            text = text.replace(f"Cascade({command})", policy.format(command))
        relationship(tmp_path, f"{name} = {text}")
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
