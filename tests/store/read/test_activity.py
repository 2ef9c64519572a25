"""The activity of one entity: its order, pages, filters, revisions, and that of merged entities as one."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.envelope import nanoseconds
from store.audit import activity as audit
from store.db.snapshot import snapshot
from store.read import activity, entity_facts
from store.read.activity import ActivityFilter, ActivityItem
from store.read.activity_walk import Place
from store.read.identities import resolve
from store.write.recorder import Recorder
from tests.support.events import Event
from tests.support.merging import activity as did
from tests.support.merging import merged, unmerged
from tests.support.tenants import StoreTenant, in_a_database, recorded_entry

TIMES = (
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999999Z",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000000001Z",
    "2026-01-01T00:00:00.000001Z",
    "2026-01-02T00:00:00+02:00",
    "9999-12-31T23:59:59.999999999Z",
)
KEYS = ("a", "b", "c")
FEEDS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(TIMES)), max_size=25)


def feed(of: Sequence[tuple[str, str]]) -> list[Event]:
    return [did(f"f{n}", key, time) for n, (key, time) in enumerate(of)]


def in_order(events: Sequence[Event], keys: Sequence[str], only: ActivityFilter) -> list[str]:
    """The ids of activity of these keys, the oldest first; it has arrived in the order given."""
    found = [
        (nanoseconds(e["time"]) or 0, n, e["id"])
        for n, e in enumerate(events)
        if e["type"].startswith("ActivityRecorded") and e["data"]["person_id"] in keys
    ]
    return [
        id
        for time, _, id in sorted(found)
        if (only.since is None or time >= only.since) and (only.until is None or time < only.until)
    ]


async def walked(
    tenant: StoreTenant,
    key: str,
    *,
    limit: int = 100,
    newest_first: bool = False,
    only: ActivityFilter = ActivityFilter(),
    revision: int | None = None,
) -> list[ActivityItem]:
    """All activity of an entity by whichever of its keys, page by page."""
    found: list[ActivityItem] = []
    after: Place | None = None
    async with snapshot(tenant.pool, tenant.name, revision) as at:
        keys = (await resolve(at, tenant.catalog, "person", key)).members
        while True:
            items, after = await activity.page(at, "person", keys, only, after, limit, newest_first=newest_first)
            assert len(items) <= limit
            found += items
            if after is None:
                return found


def ids(items: Sequence[ActivityItem]) -> list[str]:
    return [item.id for item in items]


@in_a_database
@given(of=FEEDS, limit=st.integers(1, 8), newest_first=st.booleans(), bounds=st.tuples(*[st.sampled_from(TIMES)] * 2))
async def test_pages_of_merged_keys_are_the_sorted_list(
    tenant: StoreTenant, of: list[tuple[str, str]], limit: int, newest_first: bool, bounds: tuple[str, str]
) -> None:
    events, other = feed(of), tenant.other_tenant()
    await other.record(*events, merged("a", "b"))
    for key, keys in (("a", ("a", "b")), ("b", ("a", "b")), ("c", ("c",))):
        for only in (ActivityFilter(), ActivityFilter(None, None, *map(nanoseconds, bounds))):
            expected = in_order(events, keys, only)
            found = await walked(other, key, limit=limit, newest_first=newest_first, only=only)
            assert ids(found) == (expected[::-1] if newest_first else expected)
    assert {item.id: item.origin for item in await walked(other, "b")} == {
        e["id"]: e["data"]["person_id"] for e in events if e["data"]["person_id"] != "c"
    }


@in_a_database
@given(of=FEEDS, seed=st.integers(0, 1000))
async def test_batches_and_repetition_do_not_matter(tenant: StoreTenant, of: list[tuple[str, str]], seed: int) -> None:
    random, events, other = Random(seed), feed(of), tenant.other_tenant()
    arriving = [*events, *random.choices(events, k=len(of))] if events else []
    while arriving:
        size = random.randint(1, 5)
        batch, arriving = {e["id"]: e for e in arriving[:size]}, arriving[size:]
        await other.record(*batch.values())
    for key in KEYS:
        assert ids(await walked(other, key)) == in_order(events, key, ActivityFilter())


@in_a_database
@given(of=FEEDS, at=st.integers(0, 25), seed=st.integers(0, 1000))
async def test_merge_at_any_time_shows_the_activity_of_all_keys(
    tenant: StoreTenant, of: list[tuple[str, str]], at: int, seed: int
) -> None:
    events, other = feed(of), tenant.other_tenant()
    for n, fact in enumerate(events):
        if n == at:
            await other.record(merged("b", "c"), merged("a", "b"))
        await other.record(fact)
    if at >= len(events):
        await other.record(merged("b", "c"), merged("a", "b"))
    newest = await walked(other, Random(seed).choice(KEYS))
    assert ids(newest) == in_order(events, KEYS, ActivityFilter())
    apart = (await other.record(unmerged("a", "b"))).revision
    assert ids(await walked(other, "a")) == in_order(events, ("a",), ActivityFilter())
    assert ids(await walked(other, "c")) == in_order(events, ("b", "c"), ActivityFilter())
    assert await walked(other, "c", revision=apart - 1) == newest


@in_a_database
@given(of=FEEDS, seed=st.integers(0, 1000))
async def test_tables_hold_what_the_model_says_with_voids_and_merges(
    tenant: StoreTenant, of: list[tuple[str, str]], seed: int
) -> None:
    random, events, other = Random(seed), feed(of), tenant.other_tenant()
    voided: set[str] = set()
    for n, fact in enumerate(events):
        await other.record(fact)
        if random.random() < 0.2:
            id = random.choice(events[: n + 1])["id"]
            void = {"source": "/activities", "id": id, "type": "ActivityRecorded.v1", "reason": "a mistake"}
            await other.record_own("FactVoided", "activity", id, void)
            voided.add(id)
        if random.random() < 0.2:
            survivor, loser = random.sample(KEYS, 2)
            pair = random.choice((merged, unmerged))(survivor, loser, sequence=10 + n)
            await other.record(pair)
    async with snapshot(other.pool, other.name) as at:
        assert list(await audit.differences(at.conn, other.catalog, other.name, at.revision)) == []
        members = {key: set((await resolve(at, other.catalog, "person", key)).members) for key in KEYS}
    for key, keys in members.items():
        expected = in_order(events, sorted(keys), ActivityFilter())
        assert ids(await walked(other, key, limit=3)) == [id for id in expected if id not in voided]


async def test_looks_alike_are_not_the_same(tenant: StoreTenant) -> None:
    await tenant.record(
        did("1", "a", TIMES[2]), did("2", "a", TIMES[2]), did("1", "a", TIMES[2], source="/activities/eu")
    )
    assert [(item.source, item.id) for item in await walked(tenant, "a")] == [
        ("/activities", "1"),
        ("/activities", "2"),
        ("/activities/eu", "1"),
    ]


async def test_activity_changes_no_entity_and_opens_a_revision(tenant: StoreTenant) -> None:
    first = (await tenant.record(did("1", "a"))).revision
    assert (await tenant.record(did("1", "a"))).revision == first
    assert (await tenant.record(did("2", "a"))).revision == first + 1
    assert await tenant.lines() == []
    assert await tenant.pool.fetchval("select count(*) from entities where tenant = $1", tenant.name) == 0


async def test_without_a_time_it_happened_when_it_was_received(tenant: StoreTenant) -> None:
    await tenant.record(did("late", "a", "9999-01-01T00:00:00Z"), did("now", "a"), did("early", "a", TIMES[0]))
    found = await walked(tenant, "a")
    assert ids(found) == ["early", "now", "late"]
    assert found[1].place.happened == nanoseconds(found[1].received.isoformat())


async def test_as_of_a_revision_shows_what_was_recorded_and_not_voided_by_then(tenant: StoreTenant) -> None:
    revisions = [(await tenant.record(did(str(n), "a", TIMES[2]))).revision for n in range(3)]
    void = {"source": "/activities", "id": "1", "type": "ActivityRecorded.v1", "reason": "a mistake"}
    await tenant.record_own("FactVoided", "activity", "1", void)
    assert ids(await walked(tenant, "a")) == ["0", "2"]
    assert [ids(await walked(tenant, "a", revision=revision)) for revision in revisions] == [
        ["0"],
        ["0", "1"],
        ["0", "1", "2"],
    ]


async def test_filters_leave_out_other_types_and_sources(tenant: StoreTenant) -> None:
    await tenant.record(*(did(str(n), "a", TIMES[2], source=f"/activities/{n % 3}") for n in range(30)))
    only = ActivityFilter(sources=["/activities/1"])
    assert ids(await walked(tenant, "a", only=only, limit=4)) == [str(n) for n in range(1, 30, 3)]
    assert await walked(tenant, "a", only=ActivityFilter(types=["Other.v1"])) == []


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_page_that_takes_too_long_ends_early_and_goes_on(
    tenant: StoreTenant, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr("store.read.activity_walk.SECONDS", seconds)
    events = [did(str(n), KEYS[n % 2], f"2026-01-01T00:00:{n:02d}Z", source=f"/activities/{n % 7}") for n in range(60)]
    await tenant.record(*events, merged("a", "b"))
    only = ActivityFilter(sources=["/activities/1"])
    assert ids(await walked(tenant, "b", only=only, limit=2)) == [str(n) for n in range(1, 60, 7)]
    assert len(await walked(tenant, "b", limit=3, newest_first=True)) == 60


async def test_time_too_far_ahead_is_refused_with_or_without_a_sequence(tenant: StoreTenant) -> None:
    ahead = [did(id, "a", "9999-01-01T00:00:00Z") for id in ("1", "2")]
    ahead[1]["sequence"] = "7"
    entries = [recorded_entry(tenant.catalog, fact) for fact in ahead]
    answer = await Recorder(tenant.pool, tenant.catalog).record(tenant.name, entries, actor="test")
    assert ["ahead of Tether's clock" in reason for reason in answer.refused.values()] == [True, True]
    assert await walked(tenant, "a") == []


async def test_facts_with_the_same_subject_are_never_stale(tenant: StoreTenant) -> None:
    await tenant.record(*(did(str(n), "a", TIMES[-n]) | {"subject": "s"} for n in range(1, 4)))
    async with snapshot(tenant.pool, tenant.name) as at:
        types = tenant.catalog.contracts.activity
        listed, _ = await entity_facts.page(at, "activity", "s", None, 10, activity=types)
    assert [(fact.id, fact.older_than) for fact in listed] == [("3", None), ("2", None), ("1", None)]
