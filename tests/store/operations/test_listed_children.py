"""Cascades and detachments over many-to-many relationships, step by step and without owners."""

from dataclasses import dataclass

from store.operations import cascades, children, children_to_request, listings
from store.operations.cascades import CascadeStatus
from store.operations.children import ChildOutcome
from store.operations.children_to_request import Candidate
from store.operations.listings import OperationQuery
from tests.support.events import event
from tests.support.tenants import StoreTenant


@dataclass
class Sweep:
    """The cascade of one entity, whose requests owners always accept."""

    tenant: StoreTenant
    kind: str
    key: str
    relationship: str

    async def look(self) -> CascadeStatus:
        return await cascades.advance(self.tenant.pool, self.tenant.catalog, self.tenant.name, self.kind, self.key)

    async def candidates(self) -> list[Candidate]:
        status = await self.look()
        if status.operation is None:
            return []
        relationship = self.tenant.catalog.relationship(self.relationship)
        at = self.tenant.pool, self.tenant.catalog, self.tenant.name, status.operation.id, relationship
        page = await children_to_request.next_page(*at, "", 10, repeat=True)
        if page is None:
            return []
        await children_to_request.begin(self.tenant.pool, *at[2:4], self.relationship, page.candidates)
        pending = await children_to_request.look_again(*at, page.candidates)
        assert pending.keys == {candidate.child.key for candidate in page.candidates}
        outcomes = [ChildOutcome(c.child.key, c.parent, "requested", c.reference) for c in page.candidates]
        await children.store_outcomes(self.tenant.pool, *at[2:4], self.relationship, outcomes)
        return page.candidates

    async def requested(self) -> list[tuple[str, str]]:
        """(child, parent) of those that are requested now."""
        return [(candidate.child.key, candidate.parent) for candidate in await self.candidates()]

    async def state(self) -> str:
        await self.look()
        rows, _ = await listings.operations_page(self.tenant.pool, self.tenant.name, OperationQuery(None), None, 10)
        return next(row.state for row in rows if row.key == self.key)

    async def is_notified(self) -> bool:
        query = "select exists (select from outbox where workflow = 'cascade' and about = $1 and key = $2)"
        return bool(await self.tenant.pool.fetchval(query, self.kind, self.key))


async def test_child_on_another_shelf_is_sold_when_it_leaves_that(library: StoreTenant) -> None:
    await library.record(
        event("ShelfBuilt", "s", 1, books=["k", "l", "gone", "unknown"]),
        event("ShelfBuilt", "t", 1, books=["k"]),
        *(event("BookBought", key, 1) for key in ("k", "l", "gone")),
        event("BookSold", "gone", 2),
    )
    await library.record(event("ShelfRemoved", "s", 2))
    sweep = Sweep(library, "shelf", "s", "shelf_book")
    assert await sweep.is_notified()
    assert await sweep.requested() == [("l", "s")]
    assert await sweep.requested() == []
    await library.record(event("BookSold", "l", 2))
    assert await sweep.is_notified()
    assert await sweep.state() == "done"
    assert not await sweep.is_notified()
    await library.record(event("BookTaken", "t", 2, book="k"))
    assert await sweep.is_notified()
    assert await sweep.requested() == [("k", "s")]
    await library.record(event("BookSold", "k", 2), event("BookBought", "unknown", 1))
    assert await sweep.requested() == [("unknown", "s")]


async def test_two_shelves_that_are_removed_both_request_their_book(library: StoreTenant) -> None:
    await library.record(
        event("ShelfBuilt", "s", 1, books=["k"]),
        event("ShelfBuilt", "t", 1, books=["k"]),
        event("BookBought", "k", 1),
        event("ShelfRemoved", "s", 2),
        event("ShelfRemoved", "t", 2),
    )
    sweeps = [Sweep(library, "shelf", key, "shelf_book") for key in ("s", "t")]
    assert [await sweep.requested() for sweep in sweeps] == [[("k", "s")], [("k", "t")]]
    await library.record(event("BookSold", "k", 2))
    assert [await sweep.state() for sweep in sweeps] == ["done", "done"]


async def test_list_of_a_recreated_shelf_is_no_reason_to_sell(library: StoreTenant) -> None:
    await library.record(event("ShelfBuilt", "s", 1, books=["k"]), event("BookBought", "k", 1))
    await library.record(event("ShelfRemoved", "s", 2))
    await library.record(event("ShelfBuilt", "s", 3, books=["k"]))
    assert await Sweep(library, "shelf", "s", "shelf_book").requested() == []


async def test_dropped_tag_is_taken_from_each_article(library: StoreTenant) -> None:
    await library.record(
        event("TagCoined", "x", 1),
        event("ArticlePublished", "a", 1, tags=["x", "y"]),
        event("ArticlePublished", "b", 1, tags=["x"]),
        event("ArticlePublished", "c", 1, tags=["y"]),
    )
    await library.record(event("TagDropped", "x", 2))
    sweep = Sweep(library, "tag", "x", "article_tag")
    assert await sweep.requested() == [("a", "x"), ("b", "x")]
    await library.record(event("ArticleUntagged", "a", 2, tag="x"))
    assert await sweep.state() == "running"
    await library.record(event("ArticleEdited", "b", 2, tags=[]))
    assert await sweep.state() == "done"
    late = event("ArticlePublished", "d", 1, tags=["z", "x"])
    await library.record(late)
    assert await sweep.is_notified()
    assert await sweep.requested() == [("d", "x")]


async def test_book_of_a_removed_shelf_that_comes_late_is_sold(library: StoreTenant) -> None:
    await library.record(
        event("ShelfBuilt", "s", 1, books=["k"]), *(event("BookBought", k, 1) for k in ("k", "l", "m"))
    )
    await library.record(event("ShelfRemoved", "s", 9))
    sweep = Sweep(library, "shelf", "s", "shelf_book")
    assert await sweep.requested() == [("k", "s")]
    await library.record(event("BookSold", "k", 2))
    assert await sweep.state() == "done"
    await library.record(event("BookPlaced", "s", 3, book="l"))
    assert await sweep.is_notified()
    assert await sweep.requested() == [("l", "s")]
    await library.record(event("BookSold", "l", 2))
    assert await sweep.state() == "done"
    await library.record(event("ShelfArranged", "s", 4, books=["m"]))
    assert await sweep.is_notified()
    assert await sweep.requested() == [("m", "s")]


async def test_book_unlinked_from_a_removed_shelf_is_not_sold(library: StoreTenant) -> None:
    await library.record(
        event("ShelfBuilt", "s", 1, books=["k", "l"]), *(event("BookBought", k, 1) for k in ("k", "l"))
    )
    await library.record(event("ShelfRemoved", "s", 9))
    sweep = Sweep(library, "shelf", "s", "shelf_book")
    assert await sweep.requested() == [("k", "s"), ("l", "s")]
    await library.record(event("BookSold", "k", 2), event("BookTaken", "s", 10, book="l"))
    assert await sweep.state() == "done"


async def test_merged_book_of_a_removed_shelf_is_sold_once(library: StoreTenant) -> None:
    await library.record(
        event("ShelfBuilt", "s", 1, books=["k", "l"]), *(event("BookBought", k, 1) for k in ("k", "l"))
    )
    await library.record(event("BookMerged", "k", 1, id="m", survivor="k", losers=["l"]))
    await library.record(event("ShelfRemoved", "s", 9))
    sweep = Sweep(library, "shelf", "s", "shelf_book")
    assert await sweep.requested() == [("k", "s")]
    await library.record(event("BookSold", "k", 2))
    assert await sweep.state() == "done"
