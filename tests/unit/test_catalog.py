"""Declarations: what is found, and how mistakes are refused."""

from pathlib import Path

import pytest

from errors import BadDeclaration, Unknown
from relationships import catalog
from tests.unit.declaring import DOCKS, write

BOATS = """
    OWNER = Owner("boats")
    class BoatLaunched(Created, entity="boat"):
        regatta_id: str
        name: str
        regattas: list[str] | None = None
"""
REGATTAS = """
    OWNER = Owner("regattas")
    class RegattaAnnounced(Created, entity="regatta"):
        name: str
"""
REGATTA_BOAT = 'regatta_boat = Relationship(parent="regatta", child="boat", via="regatta_id")'


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A directory that TETHER_CATALOG may name: two owners, no relationship yet."""
    write(tmp_path, "contracts", "boats", BOATS)
    write(tmp_path, "contracts", "regattas", REGATTAS)
    return tmp_path


def test_the_shipped_declarations_are_good() -> None:
    found = catalog.load()
    assert set(found.relationships) == {
        "airline_flight",
        "category_item",
        "channel_membership",
        "dest_flight",
        "event_team",
        "group_channel",
        "group_membership",
        "membership",
        "origin_flight",
        "plane_flight",
    }
    assert found.contracts.by_type["GroupCreated.v1"].owner == "groups"
    assert [r.name for r in found.by_parent["airport"]] == ["dest_flight", "origin_flight"]
    assert found.relationship("group_channel").always
    assert not found.relationship("category_item").always


def test_a_fact_is_one_class_and_a_relationship_one_file(extra: Path) -> None:
    write(extra, "relationships", "regatta_boat", REGATTA_BOAT)
    found = catalog.load([extra])
    assert found.relationships["regatta_boat"].name == "regatta_boat"
    assert found.contracts.by_type["BoatLaunched.v1"].kind == "boat"
    assert found.owner_of("regatta") == "regattas"


def test_two_directories_may_share_names_of_modules(extra: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other, "contracts", "boats", 'OWNER = Owner("x")\nclass XCreated(Created, entity="x"):\n    y: str')
    found = catalog.load([extra, other])
    assert {"boat", "x"} <= set(found.contracts.owner_of)


def test_what_is_not_declared_is_named_with_what_is() -> None:
    with pytest.raises(Unknown, match=r"no relationship 'nope'; declared are: airline_flight"):
        catalog.load().relationship("nope")
    with pytest.raises(Unknown, match="no kind of entity 'nope'"):
        catalog.load().owner_of("nope")


MISTAKES = {
    "no contract tells of the parent kind 'regata'": REGATTA_BOAT.replace("regatta", "regata"),
    "no contract tells of the child kind": 'r = Relationship(parent="regatta", child="bot", via="regatta_id")',
    "no fact of 'boat' has the field 'regatta'": 'r = Relationship(parent="regatta", child="boat", via="regatta")',
    "r: 'regattas' of 'boat' holds no key, which is one text or one integer": """
        r = Relationship(parent="regatta", child="boat", via="regattas")""",
    "a wait that ends before it begins": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", on_missing=Wait(deadline=timedelta(0))'
    ),
    "only one-to-one links are announced": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", announce="BoatJoined"'
    ),
    "is no name of a fact": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", cardinality=ONE_TO_ONE, announce="boat joined"'
    ),
    "is Tether's own fact": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", cardinality=ONE_TO_ONE, announce="Linked"'
    ),
    "is an owner's fact": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", cardinality=ONE_TO_ONE, announce="BoatLaunched"'
    ),
    "a counterpart is asked for once": """
        r = Relationship(parent="regatta", child="channel", via=Asked(CreateChannel, {"name": "name"}))""",
    "CreateChannel needs name": """
        r = Relationship(parent="regatta", child="channel", via=Asked(CreateChannel), cardinality=ONE_TO_ONE)""",
    "CreateChannel has no field title": """
        r = Relationship(parent="regatta", child="channel", via=Asked(CreateChannel, {"title": "name"}),
                         cardinality=ONE_TO_ONE)""",
    "no fact of 'regatta' has the field title": """
        r = Relationship(parent="regatta", child="channel", via=Asked(CreateChannel, {"name": "title"}),
                         cardinality=ONE_TO_ONE)""",
    "title of CreateChannel comes from nowhere": """
        class CreateChannel(CreateChannel):
            title: str
        r = Relationship(parent="regatta", child="channel", via=Asked(CreateChannel, {"name": "name", "title": None}),
                         cardinality=ONE_TO_ONE)""",
    "CreateChannel is not for the owner of 'boat'": """
        r = Relationship(parent="regatta", child="boat", via=Asked(CreateChannel, {"name": "name"}),
                         cardinality=ONE_TO_ONE)""",
    "r: DeleteTeam is not for 'boats', which owns 'boat'": """
        r = Relationship(parent="regatta", child="boat", via="regatta_id", on_parent_deleted=Cascade(DeleteTeam))""",
    "r: WithdrawTeam is not for 'boats'": """
        r = Relationship(parent="regatta", child="boat", via="regatta_id", on_parent_deleted=Detach(WithdrawTeam))""",
    "r: WithdrawTeam is not for 'boats', which owns 'boat'": """
        r = Relationship(parent="regatta", child="boat", via="regatta_id", detach=WithdrawTeam)""",
    "r: MoveTeam is not for 'channels'": """
        class MoveTeam(MoveTeam):
            name: str
        r = Relationship(parent="regatta", child="channel", via="name", move=MoveTeam)""",
    "r: Sink is not for 'boats'": """
        class Sink(Command, method="DELETE", path="/boats/{boat_id}"):
            boat_id: Key
        r = Relationship(parent="regatta", child="boat", via="regatta_id", detach=Sink)""",
    "r: nothing fills channel, user of AddChannelMember": """
        r = Relationship(parent="regatta", child="channel", via="name", on_parent_deleted=Cascade(AddChannelMember))""",
    "r: CreateChannel does not say which channel it is about. Mark the field of the channel's key as Key": """
        r = Relationship(parent="regatta", child="channel", via="name", move=CreateChannel)""",
    "r: WithdrawTeam does not say where to move to. Give it a field called 'event_id', like the team's": """
        r = Relationship(parent="regatta", child="team", via="event_id", move=WithdrawTeam)""",
    "r: MoveTeam does not say where to move to. Give it a field called 'name'": """
        r = Relationship(parent="regatta", child="team", via="name", move=MoveTeam)""",
    "r: DeleteChannel does not say where to move to. Only relationships with a field": """
        r = Relationship(parent="regatta", child="channel", via=Asked(CreateChannel, {"name": "name"}),
                         cardinality=ONE_TO_ONE, move=DeleteChannel)""",
    "NameError": "r = Relationship(parent=regatta)",
    "SyntaxError": "r = Relationship(",
    "group_channel is declared in": 'group_channel = Relationship(parent="regatta", child="boat", via="regatta_id")',
}


@pytest.mark.parametrize("problem", MISTAKES)
def test_a_mistake_in_a_relationship_is_refused_with_its_file_and_a_mend(extra: Path, problem: str) -> None:
    file = write(extra, "relationships", "wrong", MISTAKES[problem])
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert problem in str(refusal.value)
    assert refusal.value.where == str(file)
    assert refusal.value.mend.endswith((".", "?"))


LED = (
    'team_channel = Relationship(parent="team", child="channel", via=Asked(CreateChannel, {"name": Through(%s)}), '
    "cardinality=ONE_TO_ONE)"
)
EVENT_CHANNEL = """
    event_channel = Relationship(parent="event", child="channel", via=Asked(CreateChannel, {"name": "name"}),
                                 cardinality=ONE_TO_ONE)
    event_teams = Relationship(parent="event", child="team", via="event_id")
    group_team = Relationship(parent="group", child="team", via="name")
"""


def test_a_path_through_others_leads_to_their_child(extra: Path) -> None:
    write(extra, "relationships", "a", LED % '"event_team", "event_channel"')
    write(extra, "relationships", "b", EVENT_CHANNEL)
    found = catalog.load([extra])
    led = found.relationship("team_channel")
    assert found.leading["event_channel"] == ((led, "event_team"),)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("nope", "event_channel"),
        ("event_team", "nope"),
        ("event_channel", "event_channel"),
        ("event_team", "group_channel"),
        ("group_team", "event_channel"),
        ("event_team", "event_teams"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(extra: Path, up: str, down: str) -> None:
    file = write(extra, "relationships", "a", LED % f'"{up}", "{down}"')
    write(extra, "relationships", "b", EVENT_CHANNEL)
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert refusal.value.where == str(file)
    assert refusal.value.problem == f"team_channel: nothing leads from 'team' to 'name' through {up} and {down}"
    assert "`up` must have 'team' as its child" in refusal.value.mend


CASCADES = {
    "team_team": 'Relationship(parent="team", child="team", via="event_id", on_parent_deleted=Cascade(DeleteTeam))',
    "team_event": 'Relationship(parent="team", child="event", via="name", on_parent_deleted=Cascade(DeleteEvent))',
    "team_group": 'Relationship(parent="team", child="group", via="name", on_parent_deleted=Cascade(DeleteGroup))',
    "group_event": 'Relationship(parent="group", child="event", via="name", on_parent_deleted=Cascade(DeleteEvent))',
}
CYCLES = [["team_team"], ["team_event"], ["team_group", "group_event"], ["group_event", "team_group"]]
"""Event_team, which is there already, is the other half of all but the first."""


@pytest.mark.parametrize("names", CYCLES)
def test_cascades_in_a_cycle_are_refused_in_the_file_that_closes_it(extra: Path, names: list[str]) -> None:
    files = [write(extra, "relationships", f"r{n}", f"{name} = {CASCADES[name]}") for n, name in enumerate(names)]
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert refusal.value.where == str(files[-1])
    cycle = refusal.value.problem.removeprefix("cascades in a cycle: ").split(" → ")
    assert cycle[0] == cycle[-1]
    assert sorted(cycle[1:]) == sorted({*names, *(() if names == ["team_team"] else ("event_team",))})
    assert refusal.value.mend == "Let one of them KEEP or Detach."


@pytest.mark.parametrize("names", CYCLES)
@pytest.mark.parametrize("policy", ["KEEP", "Detach({0})", "RESTRICT"])
def test_a_cycle_in_which_one_does_not_cascade_is_none(extra: Path, names: list[str], policy: str) -> None:
    for n, name in enumerate(names):
        text = CASCADES[name]
        if n == 0:
            command = text.partition("Cascade(")[2].partition(")")[0]
            text = text.replace(f"Cascade({command})", policy.format(command))
        write(extra, "relationships", f"r{n}", f"from relationships.definition import RESTRICT\n{name} = {text}")
    assert set(names) <= set(catalog.load([extra]).relationships)


def test_two_ways_to_the_same_kind_are_no_cycle(extra: Path) -> None:
    group_team = CASCADES["team_team"].replace('parent="team"', 'parent="group"')
    write(extra, "relationships", "a", f"group_event = {CASCADES['group_event']}\ngroup_team = {group_team}")
    found = catalog.load([extra])
    shipped = {r.name for r in catalog.load().sweeping["group"]}
    assert {r.name for r in found.sweeping["group"]} - shipped == {"group_event", "group_team"}


@pytest.fixture
def docks(extra: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name by which its own relationships may import a module of contracts that has commands."""
    write(extra, "contracts", "docks", DOCKS)
    monkeypatch.syspath_prepend(str(extra.parent))
    return f"{extra.name}.contracts.docks"


def test_a_command_is_known_by_whatever_name_its_file_is_imported(extra: Path, docks: str) -> None:
    asked = (
        'Relationship(parent="regatta", child="dock", via=Asked(BuildDock, {"name": "name"}), cardinality=ONE_TO_ONE)'
    )
    write(extra, "relationships", "a", f"from {docks} import BuildDock\nregatta_dock = {asked}")
    found = catalog.load([extra])
    via = found.relationship("regatta_dock").asked
    assert via is not None
    assert found.contracts.addressee(via.command) == "docks"


def test_a_cascade_needs_a_fact_that_tells_of_its_end(extra: Path, docks: str) -> None:
    cascade = 'Relationship(parent="regatta", child="dock", via="name", on_parent_deleted=Cascade(TearDownDock))'
    file = write(extra, "relationships", "a", f"from {docks} import TearDownDock\nr = {cascade}")
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert (refusal.value.where, refusal.value.problem) == (str(file), "r: no fact tells that a dock is gone")
    assert refusal.value.mend.endswith('class …(Deleted, entity="dock").')


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="no such directory"):
        catalog.load([tmp_path / "nope"])
