"""Random histories of lists, single elements, lives and merges: in any delivery the tables equal the model."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.events import Event
from tests.support.list_histories import histories
from tests.support.merge_histories import Step, deliver_in_batches, events_of, undoing, voiding, without_merges
from tests.support.tenants import LIBRARY, StoreTenant, expected_lines, expected_waits, in_a_database

ARTICLE: Step = ("ArticlePublished", "a0", 1, {"tags": ["t0", "t1", "t1", 7], "related": ["a0", "a1"]})
SHELF: Step = ("ShelfBuilt", "s0", 1, {"books": ["b0", "b1"]})
KEPT: dict[str, list[Step]] = {
    "element between two lists": [
        *(ARTICLE, ("ArticleEdited", "a0", 5, {"tags": ["t1"]}), ("ArticleTagged", "a0", 3, {"tag": "t0"})),
        *(("ArticleUntagged", "a0", 7, {"tag": "t1"}), ("ArticleTagged", "a0", 8, {"tag": "t0"})),
    ],
    "removal after the end of a shelf": [
        *(SHELF, ("BookBought", "b0", 1, {}), ("ShelfRemoved", "s0", 3, {}), ("BookTaken", "s0", 4, {"book": "b0"})),
        *(("BookPlaced", "s0", 5, {"book": "b0"}), ("ShelfBuilt", "s0", 6, {})),
    ],
    "removal of a shelf of which no life is known": [
        *(("BookPlaced", "s0", 2, {"book": "b0"}), ("ShelfRemoved", "s0", 3, {}), ("ShelfArranged", "s0", 1, {})),
    ],
    "retired article that goes on": [
        *(ARTICLE, ("ArticlePublished", "a1", 1, {"tags": ["t0", "7"]}), ("TagCoined", "t0", 1, {})),
        *(("ArticleMerged", "a1", 1, {"survivor": "a1", "losers": ["a0"]}), ("ArticleWithdrawn", "a0", 2, {})),
        *(("ArticleUntagged", "a0", 3, {"tag": "t1"}), ("ArticleTagged", "a0", 4, {"tag": "t1"})),
    ],
    "merged tags of merged articles": [
        *(ARTICLE, ("TagMerged", "t1", 1, {"survivor": "t1", "losers": ["t0", "7"]})),
        *(("ArticlePublished", "a1", 1, {"tags": ["7"]}), ("ArticleUntagged", "a0", 2, {"tag": "t1"})),
        *(("ArticleMerged", "a1", 1, {"survivor": "a1", "losers": ["a0"]}), ("TagCoined", "t1", 1, {})),
    ],
    "shelf that is merged and removed": [
        *(SHELF, ("ShelfBuilt", "s1", 1, {"books": ["b1", "b2"]}), ("BookBought", "b1", 1, {})),
        *(("ShelfMerged", "s0", 1, {"survivor": "s0", "losers": ["s1"]}), ("ShelfRemoved", "s0", 5, {})),
        *(("BookMerged", "b1", 1, {"survivor": "b1", "losers": ["b2"]}), ("FactVoided", "", 0, {})),
    ],
    "explicit links beside lists": [
        *(ARTICLE, ("Linked", "a0", 1, {"relationship": "article_tag", "child": "a0", "parent": "t9"})),
        *(SHELF, ("Unlinked", "s0", 1, {"relationship": "shelf_book", "child": "b1", "parent": "s0"})),
        *(("ArticleEdited", "a0", 2, {"tags": ["t1"]}), ("ShelfArranged", "s0", 1, {"room": "2"})),
    ],
}
"""What each rule is about, by hand: recorded one by one, in the order given and in others."""


async def assert_sides_agree(tenant: StoreTenant) -> None:
    """Asserts, for every revision, that the children of each parent are those that have it as a parent."""
    rows = await tenant.pool.fetch(
        "select relationship, child, parent, many, from_revision, to_revision from links where tenant = $1", tenant.name
    )
    assert all(row["many"] == row["parent"] for row in rows if LIBRARY.relationship(row["relationship"]).many)
    for revision in {row["from_revision"] for row in rows} | {row["to_revision"] for row in rows}:
        there = [row for row in rows if row["from_revision"] <= revision < row["to_revision"]]
        pairs = [(row["relationship"], row["child"], row["parent"]) for row in there]
        assert len(pairs) == len(set(pairs)), f"a pair is linked twice at revision {revision}"


async def record_stepwise(tenant: StoreTenant, batches: Sequence[Sequence[Event]]) -> list[Event]:
    """Records the batches; after each the tables and the waits are those of the facts so far. Returns all facts."""
    recorded: list[Event] = []
    for batch in batches:
        await tenant.record(*batch)
        recorded += batch
        assert await tenant.lines() == expected_lines(LIBRARY, recorded)
        assert await tenant.waits() == expected_waits(LIBRARY, recorded)
    return recorded


@pytest.mark.parametrize("steps", KEPT.values(), ids=KEPT)
async def test_rules_of_lists_hold_at_each_step_in_several_orders(library: StoreTenant, steps: list[Step]) -> None:
    history = events_of(steps)
    for batches in ([[event] for event in history], *(deliver_in_batches(seed, history, 2) for seed in range(4))):
        one = library.other_tenant()
        await one.assert_holds(await record_stepwise(one, batches))
        await assert_sides_agree(one)


@settings(in_a_database, max_examples=30)
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 10))
@example(history=events_of(KEPT["merged tags of merged articles"]), seed=1, most=1)
async def test_any_lists_in_any_delivery_equal_the_model(
    library: StoreTenant, history: list[Event], seed: int, most: int
) -> None:
    one, other = library.other_tenant(), library.other_tenant()
    await one.record_batches([[event] for event in history])
    await one.assert_holds(history)
    batches = deliver_in_batches(seed, history, most)
    await other.record_batches(batches)
    await other.assert_holds([event for batch in batches for event in batch])
    await assert_sides_agree(other)
    assert await other.lines() == await one.lines()


@settings(in_a_database, max_examples=20)
@given(history=histories(longest=14), seed=st.integers(0, 2**32), most=st.integers(1, 3))
async def test_any_lists_equal_the_model_after_each_batch(
    library: StoreTenant, history: list[Event], seed: int, most: int
) -> None:
    one = library.other_tenant()
    await record_stepwise(one, deliver_in_batches(seed, history, most))


@settings(in_a_database, max_examples=20)
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 10), void=st.booleans())
async def test_undoing_merges_of_lists_gives_the_hash_of_never_merging(
    library: StoreTenant, history: list[Event], seed: int, most: int, void: bool
) -> None:
    never, undone = library.other_tenant(), library.other_tenant()
    await never.record_batches(deliver_in_batches(seed, without_merges(history), most))
    undo = voiding(history) if void else undoing(history)
    await undone.record_batches([*deliver_in_batches(seed, history, most), *([fact] for fact in undo)])
    report = await undone.audit()
    assert (report.violated, report.tables.links) == ([], (await never.audit()).tables.links)
    assert await undone.lines() == await never.lines()
    assert await undone.waits() == await never.waits()
