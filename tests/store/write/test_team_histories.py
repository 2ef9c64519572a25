"""Random histories of teams and events: the tables agree with the owners after any delivery."""

from dataclasses import replace
from random import Random, SystemRandom

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.owner_histories import EVENTS, TEAMS, VERBS, OwnerCall, SimulatedOwners, call_lists, owners_after
from tests.support.sampling import examples
from tests.support.strategies import deliver
from tests.support.team_histories import assert_all_end_the_same, assert_each_revision_is_sound, record_all
from tests.support.tenants import StoreTenant, cut_into_batches, fold_events, in_a_database

KEPT = (0, 1, 2, 3)
"""Seeds that are always replayed, including each that ever failed."""
MOVES_AND_DELETIONS: list[OwnerCall] = [
    ("t", "create", "A"),
    ("A", "create", None),
    ("t", "move", "B"),
    ("A", "delete", None),
    ("B", "create", None),
    ("t", "move", "C"),
    ("t", "delete", None),
    ("t", "create", None),
    ("t", "move", "A"),
    ("u", "create", "B"),
    ("u", "move", None),
    ("B", "delete", None),
    ("B", "create", None),
]


def random_owners(seed: int, length: int) -> SimulatedOwners:
    """Returns owners that have published ``length`` facts, the same for the same seed."""
    random = Random(seed)
    owners = SimulatedOwners()
    while len(owners.published) < length:
        owners.call(random.choice((*TEAMS, *EVENTS)), random.choice(VERBS), random.choice((*EVENTS, None)))
    return owners


async def assert_delivery_ends_as_the_owners_state(
    tenant: StoreTenant, owners: SimulatedOwners, seed: int, most: int
) -> None:
    recorded = await record_all(
        tenant, [cut_into_batches(Random(seed), deliver(seed, owners.published, repeats=0.3), most)]
    )
    assert_all_end_the_same(recorded)
    assert_each_revision_is_sound(recorded, owners.published)
    one = replace(tenant, name=recorded[0].tenant)
    await one.assert_holds(owners.published)
    # The state in these lines is computed from the parent's row; the rows of links hold the parents alone.
    found = [line.decode().split("|") for line in await one.lines() if line.startswith(b"link|")]
    assert {child: f"{parent} {state}" for _, _, child, parent, state in found} == owners.links()
    entities, links = await one.rows()
    assert {row["child"]: row["parent"] for row in links} == {
        key: team.event for key, team in owners.teams.items() if team.live and team.event is not None
    }
    known = {row["key"]: row["data"].get("name") for row in entities if row["state"] != "unknown"}
    assert known == owners.names()
    assert {key for key, team in owners.teams.items() if team.version and not team.live} == {
        row["key"] for row in entities if (row["kind"], row["state"]) == ("team", "deleted")
    }


@in_a_database
@given(calls=call_lists(), seed=st.integers(0, 2**32), most=st.integers(1, 10))
@example(calls=MOVES_AND_DELETIONS, seed=1, most=1)
@example(calls=MOVES_AND_DELETIONS, seed=2, most=4)
async def test_any_team_history_in_any_delivery_is_sound(
    tenant: StoreTenant, calls: list[OwnerCall], seed: int, most: int
) -> None:
    await assert_delivery_ends_as_the_owners_state(tenant, owners_after(calls), seed, most)


async def test_long_team_histories_in_any_delivery_are_sound(tenant: StoreTenant) -> None:
    for seed in (*KEPT, *SystemRandom().sample(range(2**32), examples(1))):
        print("add to KEPT if this fails:", seed)  # noqa: T201
        await assert_delivery_ends_as_the_owners_state(tenant, random_owners(seed, 150), seed, most=20)


def test_generated_team_histories_have_versions_and_many_moves() -> None:
    owners = random_owners(5, 300)
    for key in (*EVENTS, *TEAMS):
        sequences = [event["sequence"] for event in owners.published if event["subject"] == key]
        assert sequences == [str(version) for version in range(1, len(sequences) + 1)]
    types = {event["type"] for event in owners.published}
    assert types == {f"Team{did}.v1" for did in ("Created", "Moved", "Renamed", "Deleted")} | {
        f"Event{did}.v1" for did in ("Created", "Renamed", "Deleted")
    }
    assert sum(event["type"] == "TeamMoved.v1" for event in owners.published) > 50
    assert len(fold_events(StoreTenant.catalog, owners.published).entities) == 6
