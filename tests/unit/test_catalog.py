"""Declarations: what is found, and how mistakes are refused."""

import textwrap
from pathlib import Path

import pytest

from errors import BadDeclaration, Unknown
from relationships import catalog

HEAD = """
    from datetime import timedelta
    from contracts.vocabulary import Changed, Command, Created, Deleted, Fact, Key, Owner
    from relationships.definition import ONE_TO_MANY, ONE_TO_ONE, Asked, Relationship, Wait
"""
TEAMS = """
    OWNER = Owner("teams")
    class TeamCreated(Created, entity="team"):
        event_id: str
        name: str
    class OpenRoom(Command, method="POST", path="/rooms"):
        title: str
"""
EVENTS = """
    OWNER = Owner("events")
    class EventCreated(Created, entity="event"):
        name: str
"""
EVENT_TEAM = 'event_team = Relationship(parent="event", child="team", via="event_id")'


def write(root: Path, folder: str, name: str, text: str) -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    file = root / folder / f"{name}.py"
    file.write_text(textwrap.dedent(HEAD) + textwrap.dedent(text))
    return file


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    """A directory that TETHER_CATALOG may name: two owners, no relationship yet."""
    write(tmp_path, "contracts", "teams", TEAMS)
    write(tmp_path, "contracts", "events", EVENTS)
    return tmp_path


def test_the_shipped_declarations_are_good() -> None:
    found = catalog.load()
    assert set(found.relationships) == {
        "airline_flight",
        "category_item",
        "dest_flight",
        "group_channel",
        "origin_flight",
        "plane_flight",
    }
    assert found.contracts.by_type["GroupCreated.v1"].owner == "groups"
    assert [r.name for r in found.by_parent["airport"]] == ["dest_flight", "origin_flight"]
    assert found.relationship("group_channel").always
    assert not found.relationship("category_item").always


def test_a_fact_is_one_class_and_a_relationship_one_file(extra: Path) -> None:
    write(extra, "relationships", "event_team", EVENT_TEAM)
    found = catalog.load([extra])
    assert found.relationships["event_team"].name == "event_team"
    assert found.contracts.by_type["TeamCreated.v1"].kind == "team"
    assert found.owner_of("event") == "events"


def test_two_directories_may_share_names_of_modules(extra: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other, "contracts", "teams", 'OWNER = Owner("x")\nclass XCreated(Created, entity="x"):\n    y: str')
    found = catalog.load([extra, other])
    assert {"team", "x"} <= set(found.contracts.owner_of)


def test_what_is_not_declared_is_named_with_what_is() -> None:
    with pytest.raises(Unknown, match=r"no relationship 'nope'; declared are: airline_flight"):
        catalog.load().relationship("nope")
    with pytest.raises(Unknown, match="no kind of entity 'nope'"):
        catalog.load().owner_of("nope")


MISTAKES = {
    "no contract tells of the parent kind 'evnt'": 'r = Relationship(parent="evnt", child="team", via="event_id")',
    "no contract tells of the child kind": 'r = Relationship(parent="event", child="tem", via="event_id")',
    "no fact of 'team' has the field 'event'": 'r = Relationship(parent="event", child="team", via="event")',
    "a wait that ends before it begins": EVENT_TEAM.replace(
        'via="event_id"', 'via="event_id", on_missing=Wait(deadline=timedelta(0))'
    ),
    "only one-to-one links are announced": EVENT_TEAM.replace(
        'via="event_id"', 'via="event_id", announce="TeamJoined"'
    ),
    "is no name of a fact": EVENT_TEAM.replace(
        'via="event_id"', 'via="event_id", cardinality=ONE_TO_ONE, announce="team joined"'
    ),
    "is Tether's own fact": EVENT_TEAM.replace(
        'via="event_id"', 'via="event_id", cardinality=ONE_TO_ONE, announce="Linked"'
    ),
    "is an owner's fact": EVENT_TEAM.replace(
        'via="event_id"', 'via="event_id", cardinality=ONE_TO_ONE, announce="TeamCreated"'
    ),
    "a counterpart is asked for once": """
        from contracts.channels import CreateChannel
        r = Relationship(parent="event", child="channel", via=Asked(CreateChannel, {"name": "name"}))""",
    "CreateChannel needs name": """
        from contracts.channels import CreateChannel
        r = Relationship(parent="event", child="channel", via=Asked(CreateChannel), cardinality=ONE_TO_ONE)""",
    "CreateChannel has no field title": """
        from contracts.channels import CreateChannel
        r = Relationship(parent="event", child="channel", via=Asked(CreateChannel, {"title": "name"}),
                         cardinality=ONE_TO_ONE)""",
    "no fact of 'event' has the field title": """
        from contracts.channels import CreateChannel
        r = Relationship(parent="event", child="channel", via=Asked(CreateChannel, {"name": "title"}),
                         cardinality=ONE_TO_ONE)""",
    "NameError": "r = Relationship(parent=event)",
    "SyntaxError": "r = Relationship(",
    "group_channel is declared in": 'group_channel = Relationship(parent="event", child="team", via="event_id")',
}


@pytest.mark.parametrize("problem", MISTAKES)
def test_a_mistake_in_a_relationship_is_refused_with_its_file_and_a_mend(extra: Path, problem: str) -> None:
    file = write(extra, "relationships", "wrong", MISTAKES[problem])
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([extra])
    assert problem in str(refusal.value)
    assert refusal.value.where == str(file)
    assert refusal.value.mend.endswith((".", "?"))


FACTS = {
    "facts without an owner": 'class ACreated(Created, entity="a"):\n    x: str',
    "GroupCreated.v1 is declared in": 'OWNER = Owner("groups")\nclass GroupCreated(Created, entity="g"):\n    x: int',
    "belongs to the owner 'groups'": 'OWNER = Owner("thieves")\nclass GroupLost(Changed, entity="group"):\n    x: str',
    "names no kind of entity": 'OWNER = Owner("a")\nclass ACreated(Created):\n    x: str',
    "derives from Fact itself": 'OWNER = Owner("a")\nclass AHappened(Fact, entity="a"):\n    x: str',
    "several keys": 'OWNER = Owner("a")\nclass ACreated(Created, entity="a"):\n    x: Key\n    y: Key',
}


@pytest.mark.parametrize("problem", FACTS)
def test_a_mistake_in_a_contract_is_refused_with_its_file(tmp_path: Path, problem: str) -> None:
    file = write(tmp_path, "contracts", "wrong", FACTS[problem])
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([tmp_path])
    assert problem in str(refusal.value)
    assert refusal.value.where == str(file)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="no such directory"):
        catalog.load([tmp_path / "nope"])
