"""Commands to the owner of a child are filled from keys, marks and fields."""

import pytest

from catalog.command_mapping import filled
from catalog.vocabulary import Command, ExpectedParent, ExpectedParentField, Key, KeyField
from contracts.groups import RemoveGroupMember
from contracts.teams import DeleteTeam, MoveTeam
from errors import Refused


class Book(Command, method="POST", path="/rooms/{room}"):
    """Book a room."""

    room: Key
    still_of: ExpectedParent
    name: str
    seats: int = 1


def test_key_and_expected_parent_fill_the_marked_fields() -> None:
    assert filled(DeleteTeam, "t1", {}, expected_parent="e1") == DeleteTeam(team_id="t1", still_in="e1")
    assert filled(DeleteTeam, "t1", {"event_id": "e1"}) == DeleteTeam(team_id="t1")


def test_other_fields_come_from_the_entity_by_name() -> None:
    data = {"group": "g1", "user": "u1", "since": 1}
    assert filled(RemoveGroupMember, "g1/u1", data) == RemoveGroupMember(group="g1", user="u1")
    assert filled(Book, "r1", {"name": "Hall", "seats": 9}) == Book(room="r1", still_of=None, name="Hall", seats=9)


def test_target_precedes_the_fields_of_the_entity() -> None:
    command = filled(MoveTeam, "t1", {"event_id": "e1"}, expected_parent="e1", target=("event_id", "e2"))
    assert command == MoveTeam(team_id="t1", event_id="e2", still_in="e1")


def test_marked_field_is_not_filled_by_its_name() -> None:
    data = {"team_id": "another", "still_in": "another"}
    assert filled(DeleteTeam, "t1", data, expected_parent="e1") == DeleteTeam(team_id="t1", still_in="e1")
    assert filled(DeleteTeam, "t1", data) == DeleteTeam(team_id="t1", still_in=None)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"group": "g1"}, "user: Field required"),
        ({"group": "g1", "user": None}, "user: Input should be a valid string"),
        ({"group": 7, "user": "u1"}, "group: Input should be a valid string"),
    ],
)
def test_entity_without_a_required_field_is_refused(data: dict[str, object], place: str) -> None:
    with pytest.raises(Refused, match=f"^RemoveGroupMember cannot be made for 'g1/u1': {place}$"):
        filled(RemoveGroupMember, "g1/u1", data)


def test_target_that_is_no_field_is_refused() -> None:
    with pytest.raises(Refused, match=r"DeleteTeam cannot be made for 't1': event_id: Extra inputs"):
        filled(DeleteTeam, "t1", {}, target=("event_id", "e2"))


def test_marked_fields_are_found() -> None:
    assert (Book.marked(KeyField), Book.marked(ExpectedParentField)) == ("room", "still_of")
    assert (RemoveGroupMember.marked(KeyField), RemoveGroupMember.marked(ExpectedParentField)) == (None, None)
