"""Declarations: which are found, and how mistakes are refused."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration, Unknown
from tests.support.declarations import relationship, write

RELATIONSHIPS = Path(catalog.__file__).parents[1] / "relationships"
BOATS = """
    OWNER = Owner("boats")
    class BoatLaunched(Created, entity="boat"):
        regatta_id: str
        name: str
        regattas: list[str] | None = None
    class EnterBoat(Command, method="PUT", path="/boats/{boat}/regatta"):
        boat: Key
        regatta_id: str
    class FreeBoat(Command, method="DELETE", path="/boats/{boat}/regatta"):
        boat: Key
    class HireBoat(Command, method="POST", path="/boats"):
        name: str
        title: str
    class RenameBoat(Command, method="PUT", path="/boats/{boat}/name"):
        boat: Key
        name: str
"""
REGATTAS = """
    OWNER = Owner("regattas")
    class RegattaAnnounced(Created, entity="regatta"):
        name: str
"""
REGATTA_BOAT = 'regatta_boat = Relationship(parent="regatta", child="boat", via="regatta_id")'
WITH_COMMAND = """
    from ..contracts.boats import EnterBoat, FreeBoat
    r = Relationship(parent="regatta", child="boat", via="regatta_id", %s)
"""


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A directory that TETHER_CATALOG may name: two owners, no relationship yet."""
    write(tmp_path, "contracts", "boats", BOATS)
    write(tmp_path, "contracts", "regattas", REGATTAS)
    return tmp_path


def test_shipped_declarations_load() -> None:
    found = catalog.load()
    assert {file.stem for file in RELATIONSHIPS.glob("[!_]*.py")} == set(found.relationships)
    assert found.contracts.by_type["GroupCreated.v1"].owner == "groups"
    assert {"dest_flight", "origin_flight"} <= {r.name for r in found.by_parent["airport"]}
    assert found.relationship("group_channel").always
    assert not found.relationship("category_item").always


def test_fact_is_one_class_and_relationship_one_file(extra: Path) -> None:
    relationship(extra, REGATTA_BOAT)
    found = catalog.load([extra])
    assert found.relationships["regatta_boat"].name == "regatta_boat"
    assert found.contracts.by_type["BoatLaunched.v1"].kind == "boat"
    assert found.owner_of("regatta") == "regattas"


def test_unknown_name_is_refused_with_the_declared_ones() -> None:
    with pytest.raises(Unknown, match=r"no relationship 'nope'; declared are: .*airline_flight"):
        catalog.load().relationship("nope")
    with pytest.raises(Unknown, match="no kind of entity 'nope'"):
        catalog.load().owner_of("nope")


MISTAKES = {
    "no contract declares the parent kind 'regata'": REGATTA_BOAT.replace("regatta", "regata"),
    "r: activity is a feed of activity, which has no state to link": 'r = Relationship(parent="activity", child="boat",'
    ' via="regatta_id")',
    "no contract declares the child kind": 'r = Relationship(parent="regatta", child="bot", via="regatta_id")',
    "no fact of 'boat' has the field 'regatta'": 'r = Relationship(parent="regatta", child="boat", via="regatta")',
    "r: 'regattas' of 'boat' cannot hold a key, which is one string or one integer": """
        r = Relationship(parent="regatta", child="boat", via="regattas")""",
    "the wait ends before it begins": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", on_missing=Wait(deadline=timedelta(0))'
    ),
    "only one-to-one links are announced": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", announce="BoatJoined"'
    ),
    "cannot name a fact": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", cardinality=ONE_TO_ONE, announce="boat joined"'
    ),
    "is Tether's own fact": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", cardinality=ONE_TO_ONE, announce="Linked"'
    ),
    "is an owner's fact": REGATTA_BOAT.replace(
        'via="regatta_id"', 'via="regatta_id", cardinality=ONE_TO_ONE, announce="BoatLaunched"'
    ),
    "only one counterpart is requested": """
        r = Relationship(parent="regatta", child="channel", via=Requested(CreateChannel, {"name": "name"}))""",
    "CreateChannel needs name": """
        r = Relationship(parent="regatta", child="channel", via=Requested(CreateChannel), cardinality=ONE_TO_ONE)""",
    "CreateChannel has no field title": """
        r = Relationship(parent="regatta", child="channel", via=Requested(CreateChannel, {"title": "name"}),
                         cardinality=ONE_TO_ONE)""",
    "no fact of 'regatta' has the field title": """
        r = Relationship(parent="regatta", child="channel", via=Requested(CreateChannel, {"name": "title"}),
                         cardinality=ONE_TO_ONE)""",
    "title of HireBoat has no source": """
        from contracts.boats import HireBoat
        r = Relationship(parent="regatta", child="boat", cardinality=ONE_TO_ONE,
                         via=Requested(HireBoat, {"name": "name", "title": None}))""",
    "CreateChannel is not for the owner of 'boat'": """
        r = Relationship(parent="regatta", child="boat", via=Requested(CreateChannel, {"name": "name"}),
                         cardinality=ONE_TO_ONE)""",
    "r: DeleteTeam is not for 'boats', which owns 'boat'": """
        r = Relationship(parent="regatta", child="boat", via="regatta_id", on_parent_deleted=Cascade(DeleteTeam))""",
    "r: WithdrawTeam is not for 'boats'": """
        r = Relationship(parent="regatta", child="boat", via="regatta_id", on_parent_deleted=Detach(WithdrawTeam))""",
    "r: WithdrawTeam is not for 'boats', which owns 'boat'": """
        r = Relationship(parent="regatta", child="boat", via="regatta_id", detach=WithdrawTeam)""",
    "r: RenameBoat is not for 'channels'": """
        from contracts.boats import RenameBoat
        r = Relationship(parent="regatta", child="channel", via="name", move=RenameBoat)""",
    "facts or commands without an owner. Add OWNER": """
        class Sink(Command, method="DELETE", path="/boats/{boat_id}"):
            boat_id: Key
        r = Relationship(parent="regatta", child="boat", via="regatta_id", detach=Sink)""",
    "r: Sink is not for 'boats'": """
        def sink():
            class Sink(Command, method="DELETE", path="/boats/{boat_id}"):
                boat_id: Key
            return Sink
        r = Relationship(parent="regatta", child="boat", via="regatta_id", detach=sink())""",
    "r: nothing fills channel, user of AddChannelMember": """
        r = Relationship(parent="regatta", child="channel", via="name", on_parent_deleted=Cascade(AddChannelMember))""",
    "r: CreateChannel does not say which channel it is about. Mark the field of the channel's key as Key": """
        r = Relationship(parent="regatta", child="channel", via="name", move=CreateChannel)""",
    "r: WithdrawTeam does not say where to move to. Give it a field named 'event_id', like the team's": """
        r = Relationship(parent="regatta", child="team", via="event_id", move=WithdrawTeam)""",
    "r: MoveTeam does not say where to move to. Give it a field named 'name'": """
        r = Relationship(parent="regatta", child="team", via="name", move=MoveTeam)""",
    "r: DeleteChannel does not say where to move to. Only relationships with a field": """
        r = Relationship(parent="regatta", child="channel", via=Requested(CreateChannel, {"name": "name"}),
                         cardinality=ONE_TO_ONE, move=DeleteChannel)""",
    'no longer has a regatta. Declare one beside the others of its owner: class …(Changed, entity="boat"), whose': (
        WITH_COMMAND % "on_parent_deleted=Detach(FreeBoat)"
    ),
    "r: no fact says that a boat no longer has a regatta": WITH_COMMAND % "detach=FreeBoat",
    "r: no fact says that a channel no longer has a regatta. Only relationships with a field can be detached.": """
        r = Relationship(parent="regatta", child="channel", via=Requested(CreateChannel, {"name": "name"}),
                         cardinality=ONE_TO_ONE, detach=DeleteChannel)""",
    "r: no fact says that a boat has moved to another regatta. Declare one": WITH_COMMAND % "move=EnterBoat",
    "NameError": "r = Relationship(parent=regatta)",
    "SyntaxError": "r = Relationship(",
    "group_channel is declared in": 'group_channel = Relationship(parent="regatta", child="boat", via="regatta_id")',
}


@pytest.mark.parametrize("problem", MISTAKES)
def test_mistake_in_relationship_is_refused_with_file_and_mend(extra: Path, problem: str) -> None:
    file = relationship(extra, MISTAKES[problem])
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert problem in str(refusal.value)
    assert refusal.value.where == str(file)
    assert refusal.value.mend.endswith((".", "?"))


LED = (
    'team_channel = Relationship(parent="team", child="channel", via=Requested(CreateChannel, {"name": Through(%s)}), '
    "cardinality=ONE_TO_ONE)"
)
LEADING = (
    """
    event_channel = Relationship(parent="event", child="channel", via=Requested(CreateChannel, {"name": "name"}),
                                 cardinality=ONE_TO_ONE)""",
    'event_teams = Relationship(parent="event", child="team", via="event_id")',
    'group_team = Relationship(parent="group", child="team", via="name")',
)


def test_through_finds_the_child_of_the_other_relationship(extra: Path) -> None:
    for text in (LED % '"event_team", "event_channel"', *LEADING):
        relationship(extra, text)
    found = catalog.load([extra])
    led = found.relationship("team_channel")
    assert found.leading["event_channel"] == ((led, "event_team"),)
    assert found.led_up["event_team"] == (led,)


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
def test_through_that_finds_no_child_is_refused(extra: Path, up: str, down: str) -> None:
    file = relationship(extra, LED % f'"{up}", "{down}"')
    for text in LEADING:
        relationship(extra, text)
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert refusal.value.where == str(file)
    assert refusal.value.problem == f"team_channel: nothing leads from 'team' to 'name' through {up} and {down}"
    assert "`up` must have 'team' as its child" in refusal.value.mend


DETACH, DETACHED, MOVE = "on_parent_deleted=Detach(FreeBoat)", "detach=FreeBoat", "move=EnterBoat"
CHANGES = {
    'BoatEntered(Changed, entity="boat"):\n        regatta_id: str | None = None': {DETACH, DETACHED, MOVE},
    'BoatEntered(Changed, entity="boat"):\n        regatta_id: int': {MOVE},
    'BoatFreed(Changed, entity="boat"):\n        regatta_id: None': {DETACH, DETACHED},
    'BoatBuilt(Created, entity="boat"):\n        regatta_id: str | None': {DETACH, DETACHED},
    'BoatSunk(Deleted, entity="boat"):\n        regatta_id: str | None': set(),
    'BoatPainted(Changed, entity="boat"):\n        colour: str | None': set(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("argument", [DETACH, DETACHED, MOVE])
def test_move_or_detach_needs_a_fact_that_confirms_it(extra: Path, change: str, argument: str) -> None:
    write(extra, "contracts", "boats", f"{BOATS}    class {change}\n")
    relationship(extra, WITH_COMMAND % argument)
    if argument in CHANGES[change]:
        assert catalog.load([extra]).relationship("r").child == "boat"
    else:
        with pytest.raises(BadDeclaration, match=r"r: no fact says that a boat (no longer has|has moved)"):
            catalog.load([extra])
