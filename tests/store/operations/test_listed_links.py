"""Explicit links and unlinks of many-to-many relationships, and plans of their links."""

from typing import Literal

import pytest

from errors import Conflict, Refused, Unknown
from store.operations import links, operations, plans
from store.operations.plan_scope import PlanRequest
from tests.support.events import event
from tests.support.library import current_links
from tests.support.tenants import StoreTenant


@pytest.fixture
async def shelves(library: StoreTenant) -> StoreTenant:
    await library.record(
        *(event("TagCoined", key, 1) for key in ("x", "y", "z")),
        event("ArticlePublished", "a", 1, tags=["x", "y"]),
        event("ShelfBuilt", "s", 1, books=["k", "l", "unknown"]),
        event("ShelfBuilt", "t", 1, books=["k"]),
        *(event("BookBought", key, 1) for key in ("k", "l", "m")),
    )
    return library


async def carry_out(
    tenant: StoreTenant, kind: Literal["link", "unlink"], name: str, child: str, parent: str | None
) -> str:
    """Starts a link or an unlink, and carries it out; returns the state in which it ended."""
    relationship = tenant.catalog.relationship(name)
    row = await links.start(
        tenant.pool,
        tenant.name,
        relationship,
        kind=kind,
        parent=parent,
        child=child,
        actor="test",
        idempotency_key=None,
    )
    await links.finish_ready(tenant.pool, tenant.catalog, tenant.name, relationship, row.key)
    return (await operations.find(tenant.pool, tenant.name, row.id)).state


async def ends(tenant: StoreTenant, name: str) -> set[tuple[str, str]]:
    return {(link.child, link.parent) for link in await current_links(tenant) if link.relationship == name}


async def test_one_of_many_links_begins_and_ends_by_request(shelves: StoreTenant) -> None:
    assert await carry_out(shelves, "link", "article_tag", "a", "z") == "done"
    assert await carry_out(shelves, "unlink", "article_tag", "a", "x") == "done"
    assert await ends(shelves, "article_tag") == {("a", "y"), ("a", "z")}
    await shelves.record(event("ArticleTagged", "a", 2, tag="x"))
    assert await carry_out(shelves, "unlink", "article_tag", "a", "x") == "done"
    assert await ends(shelves, "article_tag") == {("a", "y"), ("a", "z")}
    await shelves.record(event("ArticleEdited", "a", 3, tags=["x"]))
    assert await ends(shelves, "article_tag") == {("a", "x")}
    assert await carry_out(shelves, "link", "shelf_book", "m", "t") == "done"
    assert await carry_out(shelves, "unlink", "shelf_book", "k", "s") == "done"
    assert await ends(shelves, "shelf_book") == {("k", "t"), ("l", "s"), ("m", "t"), ("unknown", "s")}


async def test_unlink_ends_every_statement_of_a_merged_link(shelves: StoreTenant) -> None:
    await shelves.record(
        event("ArticlePublished", "b", 1, tags=["x"]),
        event("ArticleMerged", "a", 1, survivor="a", losers=["b"]),
        event("TagMerged", "x", 1, survivor="x", losers=["y"]),
    )
    assert await ends(shelves, "article_tag") == {("a", "x")}
    assert await carry_out(shelves, "unlink", "article_tag", "b", "y") == "done"
    assert await ends(shelves, "article_tag") == set()


async def test_request_without_its_parent_or_its_link_is_refused(shelves: StoreTenant) -> None:
    with pytest.raises(Refused, match="name the parent"):
        await carry_out(shelves, "unlink", "article_tag", "a", None)
    with pytest.raises(Unknown, match="no link"):
        await carry_out(shelves, "unlink", "article_tag", "a", "z")


async def test_plan_names_children_that_would_be_requested(shelves: StoreTenant) -> None:
    at = shelves.pool, shelves.catalog, shelves.name
    found = await plans.create(*at, PlanRequest("detach", relationship="article_tag", parent="x"), "test")
    assert [(part.children, part.sample, part.command) for part in found.parts] == [(1, ["a"], "UntagArticle")]
    with pytest.raises(Conflict, match="many parents"):
        await plans.create(*at, PlanRequest("detach", relationship="article_tag", children=("a",)), "test")
