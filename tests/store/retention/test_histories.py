"""Random histories with trims in between end like the same histories without, at every revision that can be read."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from store.db.pool import Pool
from tests.store.retention.conftest import Trimmer
from tests.support.events import Event, event
from tests.support.folded_histories import node_history
from tests.support.merge_histories import deliver_in_batches, histories
from tests.support.sampling import examples
from tests.support.strategies import deliver
from tests.support.tenants import StoreTenant, cut_into_batches, in_a_database


def team(fact: str, number: int, sequence: int, second: int | None) -> Event:
    """A fact about the one team, with or without a time."""
    data = {"Created": {"name": f"n{number}", "event_id": f"e{number}"}, "Renamed": {"name": f"n{number}"}}
    data |= {"Moved": {"event_id": f"e{number}"}, "Deleted": {}}
    time = None if second is None else f"2026-01-01T00:00:0{second}Z"
    return event(f"Team{fact}", "t", sequence, time=time, id=f"{fact}{number}/{sequence}/{second}", **data[fact])


lives_of_teams = st.builds(
    team,
    st.sampled_from(["Created", "Renamed", "Moved", "Deleted"]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([None, *range(8)]),
)


async def assert_trims_make_no_difference(
    tenant: StoreTenant, pool: Pool, seed: int, batches: list[list[Event]]
) -> None:
    """Records batches in two tenants, one of which is trimmed after some of them, and compares."""
    random, trimmed, whole = Random(seed), tenant.other_tenant(), tenant.other_tenant()
    trimmer = Trimmer(pool, trimmed)
    for batch in batches:
        answer = await trimmed.record(*batch)
        if any("is sealed" in reason for reason in answer.refused.values()):
            continue  # the void of a sealed fact: refused, where the other tenant would accept it
        assert (await whole.record(*batch)).revision == answer.revision
        if random.random() < 0.3:
            await trimmer.pass_time()
        if random.random() < 0.4:
            await trimmer.trim()
        assert await trimmed.lines() == await whole.lines()
    assert await trimmed.rows() == await whole.rows()
    assert await trimmed.waits() == await whole.waits()
    await trimmer.age_and_trim()
    newest, horizon = answer.revision if batches else 0, await trimmer.horizon()
    for revision in range(horizon["revision"], newest + 1):
        assert await trimmed.lines(revision) == await whole.lines(revision)
    report = await trimmed.audit()
    assert report.violated == []
    assert report.ledger == report.tables == (await whole.audit()).tables


@settings(in_a_database, max_examples=examples(8))
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 6))
async def test_trims_make_no_difference_to_merges_and_voids(
    clinic: StoreTenant, pool: Pool, history: list[Event], seed: int, most: int
) -> None:
    await assert_trims_make_no_difference(clinic, pool, seed, deliver_in_batches(seed, history, most))


@settings(in_a_database, max_examples=examples(5))
@given(seed=st.integers(0, 2**32), most=st.integers(1, 8))
async def test_trims_make_no_difference_to_trees(yard: StoreTenant, pool: Pool, seed: int, most: int) -> None:
    events = deliver(seed, node_history(seed, 40), repeats=0.2)
    await assert_trims_make_no_difference(yard, pool, seed, cut_into_batches(Random(seed), events, most))


@settings(in_a_database, max_examples=examples(8))
@given(history=st.lists(lives_of_teams, max_size=16, unique_by=lambda fact: fact["id"]), seed=st.integers(0, 2**32))
async def test_trims_make_no_difference_to_sequences_that_begin_again(
    tenant: StoreTenant, pool: Pool, history: list[Event], seed: int
) -> None:
    events = deliver(seed, history, repeats=0.2)
    await assert_trims_make_no_difference(tenant, pool, seed, cut_into_batches(Random(seed), events, 3))


async def test_a_late_deletion_may_still_end_the_last_life_of_a_loser(clinic: StoreTenant, pool: Pool) -> None:
    admitted = event("PatientAdmitted", "p1", 1, source="/clinic", site="s1")
    changed = event("PatientChanged", "p1", 5, source="/clinic", site="s2")
    merged = event("PatientMerged", "p0", 1, source="/clinic", survivor="p0", losers=["p1"])
    late = event("PatientDischarged", "p1", 3, source="/clinic")
    await clinic.record(event("PatientAdmitted", "p0", 1, source="/clinic"), admitted, changed)
    await Trimmer(pool, clinic).age_and_trim()
    await clinic.record(merged)
    await clinic.record(late)
    assert b"link|site_patient|p0|s1|waiting" in await clinic.lines()
