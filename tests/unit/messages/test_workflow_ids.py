"""A workflow serves the instance that its id names, with any input."""

import pytest

from messages.relationship import RelationshipInstance, instance_of, relationship_input, workflow_id


@pytest.mark.parametrize("parent", ["g1", "a/b", "é😀", "~x", "%41", "x" * 500])
def test_instance_is_read_from_its_workflow_id(parent: str) -> None:
    instance = RelationshipInstance(tenant="main", relationship="group_channel", parent=parent)
    assert instance_of(workflow_id(instance)) in (instance, None)
    read = relationship_input(workflow_id(instance), instance.model_dump())
    assert read is not None
    assert read.parent == parent


@pytest.mark.parametrize("given", [None, {}, [], "x", {"tenant": "main", "relationship": "group_channel"}])
def test_workflow_id_outweighs_a_broken_input(given: object) -> None:
    read = relationship_input("main/group_channel/g1", given)
    assert read is not None
    assert (read.tenant, read.relationship, read.parent) == ("main", "group_channel", "g1")


def test_workflow_id_wins_over_an_input_of_another_instance() -> None:
    read = relationship_input(
        "main/group_channel/gA", {"tenant": "main", "relationship": "group_channel", "parent": "gB"}
    )
    assert read is not None
    assert read.parent == "gA"


@pytest.mark.parametrize("id", ["main/group_channel", "x", "main//g1", "main/group_channel/a b"])
def test_id_of_no_instance_is_rejected(id: str) -> None:
    assert relationship_input(id, {"tenant": "main", "relationship": "group_channel", "parent": "g1"}) is None
