"""Many-to-many links: whole lists, and single elements that are added and removed, in any order."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.vocabulary import OnSequenceRestart
from store.db.pool import Pool
from store.db.sql import OPEN
from store.migrate import migrate
from tests.support.events import Event, event
from tests.support.library import LibraryLink, current_links, expected_links
from tests.support.tenants import LIBRARY, StoreTenant, cut_into_batches, in_a_database


def article(key: str, sequence: int, name: str = "Published", **data: Any) -> Event:
    return event(f"Article{name}", key, sequence, **data)


async def links(tenant: StoreTenant) -> list[tuple[str, ...]]:
    return sorted((link.child, link.parent, link.state) for link in await current_links(tenant))


async def test_list_opens_and_closes_exactly_what_differs(library: StoreTenant) -> None:
    await library.record(article("a", 1, tags=["x", "y", "y", 7]))
    assert await links(library) == [("a", "7", "waiting"), ("a", "x", "waiting"), ("a", "y", "waiting")]
    before = await library.pool.fetch("select child, parent, from_revision from links")
    await library.record(event("TagCoined", "x", 1), article("a", 2, "Edited", tags=["y", "x", "z"]))
    assert await links(library) == [("a", "x", "linked"), ("a", "y", "waiting"), ("a", "z", "waiting")]
    rows = await library.pool.fetch("select child, parent, from_revision, to_revision from links order by parent")
    assert [row["parent"] for row in rows if row["to_revision"] == 2] == ["7"]
    assert [row["parent"] for row in rows if row["from_revision"] == 2] == ["z"]
    assert len(before) == 3


@pytest.mark.parametrize(("side", "index"), [("child", "links_pkey"), ("parent", "links_of_parent")])
async def test_links_are_looked_up_by_key_where_statistics_know_one_list(
    library: StoreTenant, side: str, index: str
) -> None:
    keys = [f"k{n}" for n in range(1_000)]
    await library.record(article("a", 1, tags=keys) if side == "child" else event("ShelfBuilt", "s", 1, books=keys))
    await library.pool.execute("analyze")
    async with library.pool.acquire() as conn:
        await conn.execute(
            "prepare look_up (text, text, text) as select from links where tenant = $1 and relationship = $2 "
            f"and {side} = $3 and to_revision = {OPEN} and not of_former_incarnation"
        )
        plan = await conn.fetch("explain execute look_up ('a', 'b', 'c')")
        await conn.execute("deallocate look_up")
    # By another index, it would read all links of the tenant.
    assert f"using {index} " in plan[0][0]


async def test_single_elements_are_ordered_among_lists(library: StoreTenant) -> None:
    await library.record(article("a", 1, tags=["x"]))
    await library.record(event("ArticleTagged", "a", 5, tag="z"))
    await library.record(event("ArticleUntagged", "a", 3, tag="x"))
    await library.record(article("a", 4, "Edited", tags=["x", "y"]))
    assert {link.parent for link in await current_links(library)} == {"x", "y", "z"}
    await library.record(event("ArticleTagged", "a", 2, tag="w"))
    assert {link.parent for link in await current_links(library)} == {"x", "y", "z"}


async def test_element_that_changes_nothing_opens_no_revision(library: StoreTenant) -> None:
    first = await library.record(article("a", 1, tags=["x"]))
    again = await library.record(event("ArticleTagged", "a", 2, tag="x"), event("ArticleUntagged", "a", 3, tag="y"))
    assert again.revision == first.revision


@pytest.mark.parametrize("tags", [None, []])
async def test_empty_list_and_null_end_all_links(library: StoreTenant, tags: list[str] | None) -> None:
    await library.record(article("a", 1, tags=["x", "y"]), event("ArticleTagged", "a", 2, tag="z"))
    await library.record(article("a", 3, "Edited", tags=tags))
    assert await current_links(library) == set()
    await library.record(article("a", 4, "Edited", title="T"))
    assert await current_links(library) == set()
    assert await library.waits() == {}


async def test_recreated_entity_begins_with_an_empty_list(library: StoreTenant) -> None:
    await library.record(article("a", 1, tags=["x"]), event("ArticleTagged", "a", 2, tag="y"))
    await library.record(article("a", 3, "Withdrawn"))
    await library.record(article("a", 5))
    assert await current_links(library) == set()
    await library.record(event("ArticleTagged", "a", 4, tag="z"))
    assert await current_links(library) == {LibraryLink("article_tag", "a", "z", "waiting")}


async def test_deleted_parent_keeps_what_it_listed_also_what_comes_late(library: StoreTenant) -> None:
    await library.record(event("ShelfBuilt", "s", 1, books=["b", "c"]), event("BookBought", "b", 1))
    await library.record(event("ShelfRemoved", "s", 9))
    await library.record(event("BookPlaced", "s", 3, book="d"), event("BookTaken", "s", 4, book="c"))
    broken = {LibraryLink("shelf_book", book, "s", "broken") for book in ("b", "d")}
    assert await current_links(library) == broken
    await library.record(event("ShelfBuilt", "s", 10, books=["c"]))
    assert await current_links(library) == {LibraryLink("shelf_book", "c", "s", "waiting")}


async def test_each_missing_element_is_waited_for_once(library: StoreTenant) -> None:
    await library.record(
        article("a", 1, tags=["x"]), article("b", 1, tags=["x"]), event("ShelfBuilt", "s", 1, books=["k"])
    )
    assert await library.waits() == {
        ("article_tag", "x", "parent", "library"): 1,
        ("shelf_book", "k", "child", "library"): 1,
    }
    await library.record(event("BookBought", "k", 1), article("a", 2, "Edited", tags=[]))
    assert await library.waits() == {("article_tag", "x", "parent", "library"): 1}
    await library.record(article("b", 2, "Withdrawn"))
    assert await library.waits() == {}


async def test_void_facts_are_no_evidence(library: StoreTenant) -> None:
    added = event("ArticleTagged", "a", 3, tag="y")
    await library.record(article("a", 1, tags=["x"]), event("ArticleUntagged", "a", 2, tag="y"), added)
    assert {link.parent for link in await current_links(library)} == {"x", "y"}
    data = {"source": added["source"], "id": added["id"], "type": added["type"]}
    await library.record_own("FactVoided", "article", "a", data)
    assert {link.parent for link in await current_links(library)} == {"x"}


_KEYS = st.sampled_from(["x", "y", "z", "7"])
_CHANGES = st.one_of(
    st.tuples(st.just("list"), st.lists(_KEYS, max_size=4)),
    st.tuples(st.sampled_from(["created", "deleted", "other"]), st.none() | st.lists(_KEYS, max_size=3)),
    st.tuples(st.sampled_from(["added", "removed"]), _KEYS),
)
_NAMES = {
    "article": ("Published", "Edited", "Withdrawn", "ArticleTagged", "ArticleUntagged", "tags", "tag", "title"),
    "shelf": ("Built", "Arranged", "Removed", "BookPlaced", "BookTaken", "books", "book", "room"),
}


def history(kind: str, key: str, changes: list[tuple[str, Any]]) -> list[Event]:
    """Facts about one entity with a list, in its owner's order."""
    created, changed, deleted, added, removed, field, single, other = _NAMES[kind]
    prefix, events = kind.title(), []
    for n, (what, value) in enumerate(changes, 1):
        match what:
            case "list":
                events.append(event(f"{prefix}{changed}", key, n, **{field: value}))
            case "created":
                events.append(event(f"{prefix}{created}", key, n, **({} if value is None else {field: value})))
            case "deleted":
                events.append(event(f"{prefix}{deleted}", key, n))
            case "other":
                events.append(event(f"{prefix}{changed}", key, n, **{other: str(n)}))
            case _:
                events.append(event(added if what == "added" else removed, key, n, **{single: value}))
    return events


@given(
    articles=st.lists(st.lists(_CHANGES, max_size=7), min_size=1, max_size=2),
    shelves=st.lists(st.lists(_CHANGES, max_size=7), min_size=1, max_size=2),
    elements=st.lists(st.tuples(st.sampled_from(["Tag", "Book"]), _KEYS, st.booleans()), max_size=4, unique=True),
    random=st.randoms(use_true_random=False),
)
@in_a_database
async def test_links_follow_from_the_facts_in_any_order(
    library: StoreTenant,
    articles: list[list[tuple[str, Any]]],
    shelves: list[list[tuple[str, Any]]],
    elements: list[tuple[str, str, bool]],
    random: Random,
) -> None:
    events = [e for n, changes in enumerate(articles) for e in history("article", f"a{n}", changes)]
    events += [e for n, changes in enumerate(shelves) for e in history("shelf", f"s{n}", changes)]
    names = {("Tag", True): "TagCoined", ("Tag", False): "TagDropped", ("Book", True): "BookBought"}
    events += [event(names.get((kind, live), "BookSold"), key, 1 if live else 2) for kind, key, live in elements]
    tenant = library.other_tenant()
    random.shuffle(events)
    await tenant.record_batches(cut_into_batches(random, events))
    assert await current_links(tenant) == expected_links(events)
    waits = {(r, n) for r, n, *_ in await tenant.waits()}
    assert waits == {
        (link.relationship, link.child if link.relationship == "shelf_book" else link.parent)
        for link in expected_links(events)
        if link.state == "waiting"
    }


async def test_relationship_declared_later_links_what_is_known(pool: Pool) -> None:
    contracts = LIBRARY.contracts
    before = StoreTenant(pool, Catalog(contracts, {"article_article": LIBRARY.relationships["article_article"]}))
    await migrate(pool, before.catalog)
    events = [
        article("a", 1, tags=["x", "y"]),
        event("ArticleUntagged", "a", 2, tag="x"),
        event("ArticleTagged", "b", 2, tag="z"),
        event("ShelfBuilt", "s", 1, books=["k"]),
        event("ShelfRemoved", "s", 2),
    ]
    await before.record(*events)
    assert await current_links(before) == set()
    await migrate(pool, LIBRARY)
    after = StoreTenant(pool, LIBRARY)
    assert await current_links(after) == expected_links(events)
    await after.record(article("b", 1))
    assert await current_links(after) == expected_links([*events, article("b", 1)])


async def test_list_of_ten_thousand_writes_only_what_differs(library: StoreTenant) -> None:
    books = [f"b{n:05}" for n in range(10_000)]
    await library.record(event("ShelfBuilt", "s", 1, books=books))
    changed = await library.record(event("ShelfArranged", "s", 2, books=[*books[3:], "x", "y", "z"]))
    added = await library.record(event("BookPlaced", "s", 3, book=books[0]))
    counted = "select count(*) filter (where from_revision = $1), count(*) filter (where to_revision = $1) from links"
    (of_list,), (of_element,) = [await library.pool.fetch(counted, one.revision) for one in (changed, added)]
    assert (tuple(of_list), tuple(of_element)) == ((3, 3), (1, 0))
    assert await library.pool.fetchval("select count(*) from element_facts") == 1
    assert len(await current_links(library)) == 10_001


async def test_restarted_sequence_orders_elements_too(library: StoreTenant) -> None:
    owners = {**LIBRARY.contracts.owners}
    owners["library"] = replace(owners["library"], on_sequence_restart=OnSequenceRestart.NEW_INCARNATION)
    again = Catalog(replace(LIBRARY.contracts, owners=owners), LIBRARY.relationships)
    await migrate(library.pool, again)
    tenant = StoreTenant(library.pool, again)
    await tenant.record(
        event("ArticlePublished", "a", 5, time="2026-01-01T00:00:05Z", tags=["x"]),
        event("ArticleTagged", "a", 6, time="2026-01-01T00:00:06Z", tag="y"),
        event("ArticleWithdrawn", "a", 7, time="2026-01-01T00:00:07Z"),
    )
    await tenant.record(event("ArticleTagged", "a", 2, time="2026-01-01T00:00:09Z", tag="z"))
    await tenant.record(event("ArticlePublished", "a", 1, time="2026-01-01T00:00:08Z", tags=["w"]))
    assert {link.parent for link in await current_links(tenant)} == {"w", "z"}
    await tenant.record(event("ArticleUntagged", "a", 3, time="2026-01-01T00:00:10Z", tag="w"))
    assert {link.parent for link in await current_links(tenant)} == {"z"}


async def test_element_fact_without_effect_is_reported_to_its_sender(library: StoreTenant) -> None:
    await library.record(article("a", 5, tags=["x"]), event("ArticleTagged", "a", 9, tag="y"))
    older = await library.record(event("ArticleUntagged", "a", 8, tag="y"), event("ArticleTagged", "a", 4, tag="z"))
    newer = await library.record(event("ArticleTagged", "a", 6, tag="w"))
    assert (older.stale, newer.stale) == (2, 0)
    warned = await library.record(event("ArticleTagged", "a", None, tag="v"))
    assert "has no sequence" in warned.warnings[0]
