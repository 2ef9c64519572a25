"""Random histories with erasures in between have the same states and links as those without, at every revision."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from store.db.pool import Pool
from tests.store.erasure.conftest import Eraser
from tests.store.retention.test_histories import lives_of_teams
from tests.support.events import Event
from tests.support.folded_histories import node_history
from tests.support.merge_histories import KEYS, deliver_in_batches, histories
from tests.support.sampling import examples
from tests.support.strategies import deliver
from tests.support.tenants import StoreTenant, cut_into_batches, in_a_database

EntityKey = tuple[str, str]


def masked(lines: list[bytes], erased: set[EntityKey]) -> list[bytes]:
    """The lines, of erased entities without their fields."""
    starts = tuple(f"entity|{kind}|{key}|".encode() for kind, key in erased)
    return [line.partition(b"|{")[0] if line.startswith(starts) else line for line in lines]


async def assert_erasures_change_only_fields(
    tenant: StoreTenant, pool: Pool, seed: int, batches: list[list[Event]], keys: list[EntityKey]
) -> None:
    """Records batches in two tenants, in one of which entities are erased after some of them, and compares."""
    random, erasing, whole = Random(seed), tenant.other_tenant(), tenant.other_tenant()
    eraser, erased = Eraser(pool, erasing), set[EntityKey]()
    pairs: list[tuple[int, int]] = []
    for batch in batches:
        answers = await erasing.record(*batch), await whole.record(*batch)
        assert (answers[0].accepted, answers[0].refused) == (answers[1].accepted, answers[1].refused)
        pairs.append((answers[0].revision, answers[1].revision))
        if random.random() < 0.4:
            kind, key = random.choice(keys)
            if await pool.fetchval(
                "select count(*) from facts where tenant = $1 and kind = $2 and key = $3", erasing.name, kind, key
            ):
                lives = await erasing.incarnations()
                await eraser.empty(kind, key)
                assert await erasing.incarnations() == lives
                erased.add((kind, key))
    for one, other in pairs:
        assert masked(await erasing.lines(one), erased) == masked(await whole.lines(other), erased)
    assert (await erasing.rows())[1] == (await whole.rows())[1]
    assert await erasing.waits() == await whole.waits()
    for batch in batches:
        assert not (await erasing.record(*batch)).accepted  # all of them are known
    report = await erasing.audit()
    assert report.violated == []
    assert report.ledger == report.tables


@settings(in_a_database, max_examples=examples(3))
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 6))
async def test_erasures_change_only_fields_of_what_is_merged_or_voided(
    clinic: StoreTenant, pool: Pool, history: list[Event], seed: int, most: int
) -> None:
    keys = [(kind, key) for kind, of_kind in KEYS.items() for key in of_kind]
    await assert_erasures_change_only_fields(clinic, pool, seed, deliver_in_batches(seed, history, most), keys)


@settings(in_a_database, max_examples=examples(3))
@given(seed=st.integers(0, 2**32), most=st.integers(1, 8))
async def test_erasures_change_only_fields_of_trees(yard: StoreTenant, pool: Pool, seed: int, most: int) -> None:
    events = deliver(seed, node_history(seed, 40), repeats=0.2)
    keys = sorted({("node", str(event["subject"])) for event in events})
    batches = cut_into_batches(Random(seed), events, most)
    await assert_erasures_change_only_fields(yard, pool, seed, batches, keys)


@settings(in_a_database, max_examples=examples(3))
@given(history=st.lists(lives_of_teams, max_size=16, unique_by=lambda fact: fact["id"]), seed=st.integers(0, 2**32))
async def test_erasures_change_only_fields_where_sequences_begin_again(
    tenant: StoreTenant, pool: Pool, history: list[Event], seed: int
) -> None:
    batches = cut_into_batches(Random(seed), history, 3)
    await assert_erasures_change_only_fields(tenant, pool, seed, batches, [("team", "t")])
