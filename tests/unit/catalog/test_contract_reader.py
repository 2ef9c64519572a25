"""Mistakes in declarations of facts and commands are refused."""

from pathlib import Path

import pytest

from catalog import catalog
from errors import BadDeclaration
from tests.support.declarations import DOCKS, write

COMMAND = """
    OWNER = Owner("a")
    class ACreated(Created, entity="a"):
        name: str
    class Ask(Command%s):
        x: str
    """
DELETE = COMMAND % ', method="DELETE", path="/a/{x}", deletes="%s"'
ACTIVITY = 'OWNER = Owner("a")\nclass ADone(Activity, entity="a"%s):\n    '
CREATED = 'OWNER = Owner("a")\nclass ACreated(Created, entity="a"):\n    x: str'
GONE = """
    class AGone(Deleted, entity="a"):
        pass
    """
FACTS = {
    "facts or commands without an owner. Add OWNER": 'class Ask(Command, method="POST", path="/a"):\n    x: str',
    "facts or commands without an owner": 'class ACreated(Created, entity="a"):\n    x: str',
    "GroupCreated.v1 is declared in": 'OWNER = Owner("groups")\nclass GroupCreated(Created, entity="g"):\n    x: int',
    "belongs to the owner 'groups'": 'OWNER = Owner("thieves")\nclass GroupLost(Changed, entity="group"):\n    x: str',
    "names no kind of entity": 'OWNER = Owner("a")\nclass ACreated(Created):\n    x: str',
    "derives from Fact itself": 'OWNER = Owner("a")\nclass AHappened(Fact, entity="a"):\n    x: str',
    "FactVoided is the name of a fact of Tether's own": CREATED.replace("ACreated", "FactVoided"),
    "Merged is the name of a fact of Tether's own": CREATED.replace("ACreated(Created", "MergedV2(Created, version=2"),
    "several keys": 'OWNER = Owner("a")\nclass ACreated(Created, entity="a"):\n    x: Key\n    y: Key',
    "ADone does not say which kind of entity it is about": ACTIVITY % "" + "x: str",
    "ADone has no field 'group_id', which holds the key of the group. Add `group_id: str`": ACTIVITY % ', of="group"'
    + "x: str",
    "ADone has no field 'x', which holds": ACTIVITY % ', of="group", via="x"' + "y: str",
    "'x' of ADone need not hold a key": ACTIVITY % ', of="group", via="x"' + "x: list[str]",
    "'x' of ADone need not hold a key, which is one string": ACTIVITY % ', of="group", via="x"' + "x: str | None",
    "'x' of ADone need not hold a key, which is one string or one integer": ACTIVITY % ', of="group", via="x"'
    + 'x: str = "y"',
    "ADone is about 'grup', which no contract declares as a kind of entity. Known: ": ACTIVITY % ', of="grup", via="x"'
    + "x: str",
    "ADone is about 'activity', which no contract declares": ACTIVITY % ', of="activity", via="x"' + "x: str",
    "ACreated is about 'a', which is a feed of activity and has no state": ACTIVITY % ', of="group", via="x"'
    + 'x: str\nclass ACreated(Created, entity="a"):\n    x: str',
    "ADone is activity and has an effect on its entity": (ACTIVITY % ', of="group"').replace("(A", "(Created, A")
    + "group_id: str",
    "Ask describes no request. Write class Ask(Command, method=": COMMAND % "",
    "Ask describes no request.": COMMAND % ', method="GET", path="/a"',
    "Ask describes no request. ": COMMAND % ', method="POST", path="a"',
    "the path of Ask names y, which it does not have. Its fields are: x.": COMMAND % ', method="POST", path="/a/{y}"',
    "/a/{x cannot be the path of Ask. Use plain steps": COMMAND % ', method="POST", path="/a/{x"',
    "/a/{} cannot be the path of Ask": COMMAND % ', method="POST", path="/a/{}"',
    "/a/{x.y} cannot be the path of Ask": COMMAND % ', method="POST", path="/a/{x.y}"',
    "/a/{x!r} cannot be the path of Ask": COMMAND % ', method="POST", path="/a/{x!r}"',
    "/a/{x:>9} cannot be the path of Ask": COMMAND % ', method="POST", path="/a/{x:>9}"',
    "/a?b={x} cannot be the path of Ask": COMMAND % ', method="POST", path="/a?b={x}"',
    "/a#{x} cannot be the path of Ask": COMMAND % ', method="POST", path="/a#{x}"',
    "/../{x} cannot be the path of Ask": COMMAND % ', method="POST", path="/../{x}"',
    "Ask has several fields marked Key: x, z": COMMAND % ', method="POST", path="/a"' + "    x: Key\n        z: Key",
    "Ask has several fields marked ExpectedParent: y, z": COMMAND % ', method="POST", path="/a"'
    + "    y: ExpectedParent\n        z: ExpectedParent",
    "Ask deletes 'group', which its owner does not own. Name one of its kinds.": DELETE % "group",
    "Ask deletes 'nothing', which its owner does not own": DELETE % "nothing",
    "Ask deletes 'a', but no fact says that one was deleted. Declare one: class ": DELETE % "a",
    "deletes='a': nothing fills x of Ask. Mark the field of the a's key as Key": DELETE % "a" + GONE,
    "Ask deletes 'a' as well. Let one of them": DELETE % "a"
    + GONE
    + """
    class Again(Command, method="DELETE", path="/a/{x}", deletes="a"):
        x: Key
    """,
}


@pytest.mark.parametrize("problem", FACTS)
def test_mistake_in_contract_is_refused_with_its_file(tmp_path: Path, problem: str) -> None:
    file = write(tmp_path, "contracts", "wrong", FACTS[problem])
    with pytest.raises(BadDeclaration) as refusal:
        catalog.load([tmp_path])
    assert problem in str(refusal.value)
    assert refusal.value.where == str(file)


def test_command_that_deletes_a_kind_is_found(tmp_path: Path) -> None:
    text = DOCKS.replace('path="/docks/{dock}"', 'path="/docks/{dock}", deletes="dock"')
    write(tmp_path, "contracts", "docks", text + '    class DockGone(Deleted, entity="dock"):\n        pass')
    found = catalog.load([tmp_path]).contracts
    assert found.deleting["dock"].__name__ == "TearDownDock"
    assert found.deleted_fact("dock") == "DockGone"
    assert found.deleting["team"].__name__ == "DeleteTeam"
