"""What is accepted at start-up comes to an end, whatever the data; what is refused can go on for ever."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import endless_checks
from catalog.relationship import KEEP, ONE_TO_ONE, Cascade, Relationship, Requested, Through
from catalog.vocabulary import Command
from errors import BadDeclaration
from tests.support.declared_world import Life, World

KINDS = "abc"
KEYS = ("1", "2", "3")


class Act(Command, method="POST", path="/acts"):
    """Stands for every command."""


def declared(*relationships: Relationship) -> dict[str, Relationship]:
    return {rel.name: rel for rel in relationships}


def refused(relationships: dict[str, Relationship]) -> bool:
    try:
        endless_checks.check(relationships, dict.fromkeys(relationships, "here"))
    except BadDeclaration:
        return True
    return False


def by_field(name: str, parent: str, child: str, *, cascades: bool = True) -> Relationship:
    policy = Cascade(Act) if cascades else KEEP
    return Relationship(parent=parent, child=child, via=name, on_parent_deleted=policy, name=name)


def by_request(name: str, parent: str, child: str, *, cascades: bool = True, **fields: str | Through) -> Relationship:
    policy = Cascade(Act) if cascades else KEEP
    via = Requested(Act, fields)
    return Relationship(
        parent=parent, child=child, via=via, cardinality=ONE_TO_ONE, on_parent_deleted=policy, name=name
    )


@st.composite
def declarations(draw: Any) -> dict[str, Relationship]:
    """Relationships between three kinds: by fields, and by requests that take fields from anywhere they may."""
    kinds = st.sampled_from(KINDS[: draw(st.integers(1, 3))])
    fields = [
        by_field(f"f{n}", draw(kinds), draw(kinds), cascades=draw(st.booleans()))
        for n in range(draw(st.integers(1, 4)))
    ]
    requests: list[Relationship] = []
    for n in range(draw(st.integers(1, 3))):
        parent, child = draw(kinds), draw(kinds)
        filled: dict[str, str | Through] = {}
        for of_child in (rel for rel in fields if rel.child == child):
            plain = [rel.name for rel in fields if rel.child == parent]
            paths = [
                Through(up.name, down.name)
                for up in fields
                for down in requests
                if up.child == parent and down.parent == up.parent
            ] + [Through(up.name, f"r{n}") for up in fields if up.child == parent and parent == up.parent]
            source = draw(st.sampled_from([*plain, *paths, None]))
            if source is not None:
                filled[of_child.name] = source
        requests.append(by_request(f"r{n}", parent, child, cascades=draw(st.booleans()), **filled))
    return declared(*fields, *requests)


def populated(relationships: dict[str, Relationship], random: Random) -> World:
    """Entities that refer to each other as it happens, in circles too, some of them deleted and some never heard of."""
    world = World(relationships, random)
    requests = [rel for rel in relationships.values() if rel.requested is not None]
    keys = {kind: list(KEYS[: random.randint(1, 3)]) for kind in KINDS}
    for rel in requests if random.random() < 0.5 else ():
        keys[rel.child] += [f"{rel.name} of {key}" for key in KEYS]
    for kind in KINDS:
        for key in keys[kind]:
            references = [rel for rel in relationships.values() if rel.field and rel.child == kind]
            parents = {rel.name: random.choice(keys[rel.parent]) for rel in references if random.random() < 0.8}
            parents |= {rel.name: key[-1] for rel in requests if key == f"{rel.name} of {key[-1]}"}
            world.entities[kind, key] = Life(parents, live=random.random() < 0.8)
    return world


@settings(deadline=None, max_examples=250)
@given(declarations(), st.integers(0, 2**32))
def test_accepted_declarations_come_to_an_end_in_any_data(relationships: dict[str, Relationship], seed: int) -> None:
    if refused(relationships):
        return
    for n in range(6):
        random = Random(seed + n)
        world = populated(relationships, random)
        for _ in range(2):
            assert world.ends(), relationships
            live = [life for life in world.entities.values() if life.live]
            if live:
                random.choice(live).live = False


def circle(*parents: dict[str, str]) -> dict[tuple[str, str], Life]:
    return {("a", key): Life(fields) for key, fields in zip(KEYS, parents, strict=False)}


def test_request_of_a_child_in_a_deleted_parent_is_refused_and_endless() -> None:
    relationships = declared(
        by_field("f", "b", "a", cascades=False), by_field("f_of_c", "b", "c"), by_request("r", "a", "c", f_of_c="f")
    )
    assert refused(relationships)
    world = World(relationships, Random(1), {("b", "1"): Life(live=False), ("a", "1"): Life({"f": "1"})})
    assert not world.ends()


def test_requests_around_a_circle_are_refused_and_endless() -> None:
    """Deletions and requests follow each other around a circle of three, whose entities refer to the next."""
    relationships = declared(
        by_field("up", "a", "a", cascades=False),
        by_field("of", "b", "b"),
        by_request("r", "a", "b", of=Through("up", "r")),
    )
    assert refused(relationships)
    assert any(chases_for_ever(relationships, seed) for seed in range(50))


def chases_for_ever(relationships: dict[str, Relationship], seed: int) -> bool:
    entities = circle({"up": "2"}, {"up": "3"}, {"up": "1"})
    for key, above in zip(KEYS, (*KEYS[1:], KEYS[0]), strict=True):
        entities["b", f"r of {key}"] = Life({"r": key, "of": f"r of {above}"}, live=key != "1")
    return not World(relationships, Random(seed), entities).ends()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_cycle_of_requested_counterparts_is_refused(length: int) -> None:
    kinds = KINDS[:length]
    assert refused(declared(*(by_request(f"r{n}", kind, kinds[(n + 1) % length]) for n, kind in enumerate(kinds))))


@pytest.mark.parametrize("length", [1, 2, 3])
def test_cycle_of_cascades_ends_with_circles_in_the_data(length: int) -> None:
    kinds = KINDS[:length]
    relationships = declared(*(by_field(f"f{n}", kind, kinds[(n + 1) % length]) for n, kind in enumerate(kinds)))
    assert not refused(relationships)
    for seed in range(20):
        assert populated(relationships, Random(seed)).ends()
