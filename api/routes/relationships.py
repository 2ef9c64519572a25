"""Relationships, and their links as they stand."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Has, Services
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, Key, answer
from api.routes import why
from catalog.relationship import Relationship
from store.db import tokens
from store.db.snapshot import Snapshot
from store.read import link_counts, links

router = APIRouter(tags=["links"])
router.include_router(why.router)

State = Literal["linked", "waiting", "overdue", "broken", "conflict"]


class Counts(BaseModel):
    """Links in each state; every link is in one."""

    linked: int
    waiting: int = Field(description="The parent was never heard of, and the deadline lies ahead.")
    overdue: int = Field(description="The parent was never heard of, and the deadline has passed.")
    broken: int = Field(description="The parent is deleted.")
    conflict: int = Field(description="One-to-one only: the parent has another child, which came first.")


class Declared(BaseModel):
    """A relationship, as it is declared."""

    name: str = Field(examples=["category_item"])
    parent: str = Field(description="Kind of the parent.", examples=["category"])
    parent_owner: str = Field(examples=["categories"])
    child: str = Field(description="Kind of the child.", examples=["item"])
    child_owner: str = Field(examples=["items"])
    via: str = Field(
        description="The child's field that names its parent; `requested`: Tether requests the child from its owner."
    )
    cardinality: Literal["one-to-one", "one-to-many"]
    deadline: float = Field(description="Seconds that a missing counterpart is waited for.")
    on_parent_deleted: Literal["keep", "restrict", "cascade", "detach"] = Field(
        description="What becomes of the children of a parent that is gone."
    )
    move: str | None = Field(description="What the child's owner is asked to move one; null: it cannot be.")
    detach: str | None = Field(description="What the child's owner is asked to take one out; null: it cannot be.")
    announce: str = Field(description="The fact that tells of a completed link; empty: none.")
    counts: Counts | None = Field(default=None, description="If they were asked for.")


class DeclaredOne(Declared):
    """One relationship."""

    token: str


class DeclaredAll(BaseModel):
    """All relationships."""

    items: list[Declared]
    token: str


class LinkRow(BaseModel):
    """A link."""

    child: str
    parent: str
    state: State
    since: datetime
    due: datetime | None = Field(default=None, description="Until when the parent is waited for; absent: it is not.")


class LinkPage(Page):
    """Some links."""

    items: list[LinkRow]


WithCounts = Annotated[
    bool, Query(description="Count the links in each state: takes some tenths of a second for each million.")
]


@router.get("/relationships", response_model=DeclaredAll, summary="What must stay consistent")
async def list_relationships(when: AtRevision, has: Has, counts: WithCounts = False) -> Response:
    """Every declared relationship, by name; with `counts=true`, how it stands."""
    async with when.newest() as at:
        items = [await _declared(has, at, rel, counts) for _, rel in sorted(has.catalog.relationships.items())]
    return answer({"items": items, "token": tokens.token(at.tenant, at.revision)})


@router.get("/relationships/{name}", response_model=DeclaredOne, summary="One relationship")
async def relationship(name: str, when: AtRevision, has: Has, counts: WithCounts = False) -> Response:
    """As it is declared; with `counts=true`, how it stands."""
    rel = has.catalog.relationship(name)
    async with when.newest() as at:
        declared = await _declared(has, at, rel, counts)
    return answer({**declared, "token": tokens.token(at.tenant, at.revision)})


@router.get("/relationships/{name}/links", response_model=LinkPage, summary="Links, and the state they are in")
async def list_links(
    name: str,
    when: AtRevision,
    has: Has,
    limit: Limit,
    parent: Annotated[Key | None, Query(description="Only children of this parent.")] = None,
    child: Annotated[Key | None, Query(description="Only this child.")] = None,
    state: Annotated[State | None, Query(description="Only links in this state.")] = None,
    cursor: Cursor = None,
) -> Response:
    """By child; with `parent`, or the state `waiting`, `overdue` or `broken`, by parent and child.

    Each page is as of the newest revision; pass the first page's `token` as `as_of` to read all pages as of one.
    A page may hold fewer items than asked for, even none, and there is more as long as `next` is given.
    """
    query = links.LinkQuery(has.catalog.relationship(name), parent, child, state)
    pages = Listing(when.tenant, "links", name, parent, child, state)
    place = pages.place(cursor, (str,), (str, str))
    async with when.snapshot() as at:
        found, place = await links.page(at, query, place, limit, datetime.now(UTC))
    items = []
    for link in found:
        item = {"child": link.child, "parent": link.parent, "state": link.state, "since": link.since}
        items.append(item if link.due is None else {**item, "due": link.due})
    return answer({"items": items, "next": pages.next(place), "token": tokens.token(at.tenant, at.revision)})


async def _declared(has: Services, at: Snapshot, rel: Relationship, counts: bool) -> dict[str, Any]:
    declared: dict[str, Any] = {
        "name": rel.name,
        "parent": rel.parent,
        "parent_owner": has.catalog.owner_of(rel.parent),
        "child": rel.child,
        "child_owner": has.catalog.owner_of(rel.child),
        "via": rel.field or "requested",
        "cardinality": rel.cardinality.value,
        "deadline": rel.on_missing.deadline.total_seconds(),
        "on_parent_deleted": rel.on_parent_deleted.name,
        "move": None if rel.move is None else rel.move.__name__,
        "detach": None if rel.detach is None else rel.detach.__name__,
        "announce": rel.announce,
    }
    if counts:
        declared["counts"] = await link_counts.count_by_state(at, rel, datetime.now(UTC))
    return declared
