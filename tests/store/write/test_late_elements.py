"""Facts about single elements that change nothing: their sender learns of it, and no clock of the future decides."""

from datetime import UTC, datetime, timedelta

from store.write.recorder import Recorder
from tests.support.events import event
from tests.support.library_facts import edited, placed, published, tagged, taken, untagged
from tests.support.tenants import StoreTenant, recorded_entry


async def test_element_older_than_the_list_or_its_newest_fact_is_stale(library: StoreTenant) -> None:
    await library.record(published("a", 1, tags=["x"]), tagged("a", "y", 9))
    assert (await library.record(tagged("a", "z", 2), untagged("a", "x", 3))).stale == 0
    assert (await library.record(untagged("a", "y", 8), tagged("a", "q", 5))).stale == 1
    await library.record(edited("a", 20, tags=["x", "z"]))
    assert (await library.record(tagged("a", "w", 21), tagged("a", "v", 18))).stale == 1


async def test_element_without_a_sequence_is_warned_of_beside_lists_with_one(library: StoreTenant) -> None:
    await library.record(published("a", 1, tags=["x"]))
    answer = await library.record(tagged("a", "y", None))
    assert answer.stale == 1
    assert [*answer.warnings.values()] == [
        "has no sequence, and the newest known fact has '1': this one counts as older"
    ]


async def test_elements_of_one_batch_and_of_unknown_entities_are_not_stale(library: StoreTenant) -> None:
    assert (await library.record(placed("s", "b", 2), taken("s", "b", 3))).stale == 0
    answer = await library.record(published("a", 1, tags=["x"]), tagged("a", "y", 2), edited("a", 3, tags=[]))
    assert answer.stale == 0


async def test_element_with_a_time_of_the_future_is_refused_where_it_decides(library: StoreTenant) -> None:
    recorder = Recorder(library.pool, library.catalog)
    time = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ahead = event("ArticleTagged", "a", None, id="ahead", time=time, tag="x")
    ordered = event("ArticleTagged", "a", 1, time=time, tag="y")
    entries = [recorded_entry(library.catalog, one) for one in (ahead, ordered)]
    answer = await recorder.record(library.name, entries, actor="test")
    assert (answer.accepted, [*answer.refused]) == (1, [0])
