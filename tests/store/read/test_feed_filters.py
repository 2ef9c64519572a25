"""Filters of the feed: whatever the page size and the offset, the same items, and every page goes on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read import feed, feed_filters
from store.read.feed_events import event as as_event
from store.read.feed_items import FeedItem
from store.read.feed_offsets import BEGINNING, FeedPosition, decode, encode, position_after
from store.read.feed_query import FeedQuery, query_for
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder
from tests.support.strategies import deliver, history

LINKED = '{"exact": {"type": "Linked"}}'
PARENT = "category-1%41"  # of the history below
ITEMS = '{"any": [{"prefix": {"kind": "it"}}, {"suffix": {"relationship": "_item"}}]}'
OF_ITEMS = f'[{ITEMS}, {{"not": {LINKED}}}]'


async def read(pool: Pool, query: FeedQuery, limit: int = 1000, position: FeedPosition = BEGINNING) -> list[FeedItem]:
    """All items of the query after a position, by pages whose offsets go through the wire; each page must go on."""
    found: list[FeedItem] = []
    while True:
        async with snapshot(pool, TENANT) as at:
            items, after = await feed.page(at, query, position, limit)
        assert encode(TENANT, after) > encode(TENANT, position) or after.revision > at.head
        found += items
        position = decode(TENANT, encode(TENANT, after))
        if position.revision > at.head:
            return found


def plain(items: list[FeedItem]) -> list[dict[str, Any]]:
    return [as_event(TENANT, item) for item in items]


WANTED: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "exact": ({"filters": LINKED}, lambda e: e["type"] == "Linked"),
    "any, prefix, suffix, not": (
        {"filters": OF_ITEMS},
        lambda e: (
            (e.get("kind", "").startswith("it") or e.get("relationship", "").endswith("_item"))
            and e["type"] != "Linked"
        ),
    ),
    "kind and all": (
        {"kind": "item", "filters": '{"all": [{"exact": {"type": "EntityDeleted"}}]}'},
        lambda e: (e.get("kind"), e["type"]) == ("item", "EntityDeleted"),
    ),
    "nothing": ({"filters": '{"exact": {"type": "None"}}'}, lambda e: False),
    "parent": (
        {"relationship": "category_item", "parent": PARENT},
        lambda e: (
            e.get("relationship") == "category_item"
            and PARENT in (e["data"].get("parent"), e["data"].get("previous_parent"))
        ),
    ),
}


@pytest.mark.parametrize("name", WANTED)
async def test_filter_gives_the_same_sequence_at_any_page_size_and_offset(
    pool: Pool, catalog: Catalog, facts: FactRecorder, name: str
) -> None:
    parameters, matches = WANTED[name]
    events = deliver(11, history(11, 15, 90))
    for n in range(0, len(events), 6):
        await facts.record(*events[n : n + 6])
    everything = await read(pool, query_for(catalog))
    query = query_for(catalog, **parameters)
    wanted = [event for event in plain(everything) if matches(event)]
    assert wanted or name == "nothing"
    for limit in (1, 4, 1000):
        assert plain(await read(pool, query, limit)) == wanted
    for n in range(0, len(everything), 17):
        place = position_after(everything[n])
        after = encode(TENANT, place)
        found = await read(pool, query, 1000, decode(TENANT, after))
        assert plain(found) == [event for event in wanted if event["id"] > after]


async def test_replica_has_its_fields_alone_and_only_what_changed_of_them(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("UserCreated", "u", 1, name="ann", email="a@", phone="1"))
    await facts.record(event("UserChanged", "u", 2, phone="2"))
    await facts.record(event("UserChanged", "u", 3, name="anne"))
    ann, anne = {"name": "ann", "email": "a@"}, {"name": "anne", "email": "a@"}
    whole = await read(pool, query_for(catalog, replica="shopping_customer"))
    assert [item.body["data"] for item in whole] == [ann, ann, anne]
    changed = await read(pool, query_for(catalog, replica="shopping_customer", changes="only", previous=True))
    assert [item.body["previous"] for item in changed] == [None, {"state": "live", "data": ann}]
    assert [item.revision for item in changed] == [1, 3]


async def test_previous_is_the_version_before_and_no_placeholder(
    pool: Pool, catalog: Catalog, facts: FactRecorder
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="c"))  # c is a placeholder
    await facts.record(event("CategoryAdded", "c", 1, name="one"))
    await facts.record(event("CategoryUpdated", "c", 2, name="two"))
    await facts.record(event("CategoryRemoved", "c", 3))
    found = await read(pool, query_for(catalog, kind="category", previous=True))
    assert [item.body["previous"] for item in found] == [
        None,
        {"state": "live", "data": {"name": "one"}},
        {"state": "live", "data": {"name": "two"}},
    ]


_texts = st.text("ab", min_size=1, max_size=3)
_attributes = st.dictionaries(st.sampled_from(["type", "kind", "subject"]), _texts)
_comparisons = st.builds(
    lambda dialect, wanted: {dialect: wanted},
    st.sampled_from(["exact", "prefix", "suffix"]),
    st.dictionaries(st.sampled_from(["type", "kind", "subject"]), _texts, min_size=1),
)
_SEVERAL = st.sampled_from(["all", "any"])
_filters = st.recursive(
    _comparisons,
    lambda inner: st.one_of(
        st.builds(lambda one: {"not": one}, inner),
        st.builds(lambda name, some: {name: some}, _SEVERAL, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)  # fmt: skip


@given(_filters, _attributes)
def test_dialects_combine_as_their_names_say(given: dict[str, Any], attributes: dict[str, str]) -> None:
    assert feed_filters.parse(json.dumps(given))(attributes) == expected(given, attributes)
    assert feed_filters.parse(json.dumps([given, {"not": given}]))(attributes) is False


def expected(given: dict[str, Any], attributes: dict[str, str]) -> bool:
    ((dialect, value),) = given.items()
    match dialect:
        case "not":
            return not expected(value, attributes)
        case "all":
            return all(expected(one, attributes) for one in value)
        case "any":
            return any(expected(one, attributes) for one in value)
    matched = []
    for name, wanted in value.items():
        found = attributes.get(name, "")
        at_place = {"exact": found, "prefix": found[: len(wanted)], "suffix": found[-len(wanted) :]}[dialect]
        matched.append(at_place == wanted)
    return all(matched)


async def test_number_that_becomes_a_truth_value_is_a_change(pool: Pool, catalog: Catalog, facts: FactRecorder) -> None:
    for n, flag in enumerate((1, True, True, 0, False), 1):
        await facts.record(event("ItemAdded" if n == 1 else "ItemUpdated", "i", n, name="x", flag=flag))
    items = await read(pool, query_for(catalog, kind="item", changes="only"))
    assert json.dumps([item.body["data"]["flag"] for item in items]) == "[1, true, 0, false]"
