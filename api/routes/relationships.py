"""`GET /v1/relationships…`: declared relationships and their links."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Dependencies, Injected
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, KeyText, answer
from api.routes import why
from catalog.relationship import Relationship
from facts import tokens
from store.db.snapshot import Snapshot
from store.read import identities, link_counts, links
from store.read.link_query import LinkQuery
from store.read.link_state import LinkView

router = APIRouter(tags=["links"])
router.include_router(why.router)

State = Literal["linked", "waiting", "overdue", "broken", "conflict"]


class LinkCounts(BaseModel):
    """Number of links by state."""

    linked: int
    waiting: int = Field(description="The parent is missing, and the wait is not yet due.")
    overdue: int = Field(description="The parent is missing, and the due time has passed.")
    broken: int = Field(description="The parent is deleted.")
    conflict: int = Field(description="One-to-one only: the parent already has another child.")


class RelationshipBody(BaseModel):
    """A declared relationship."""

    name: str = Field(examples=["category_item"])
    parent: str = Field(description="Kind of the parent.", examples=["category"])
    parent_owner: str = Field(examples=["categories"])
    child: str = Field(description="Kind of the child.", examples=["item"])
    child_owner: str = Field(examples=["items"])
    via: str = Field(
        description="The child's field that names its parent; `requested`: Tether requests the child from its owner. "
        "Many to many: the field of the `listing` side that lists keys of the other side."
    )
    cardinality: Literal["one-to-one", "one-to-many", "many-to-many"]
    listing: Literal["child", "parent"] | None = Field(
        description="Many to many: the side whose facts list the other side; null: a child names one parent."
    )
    deadline: float = Field(description="Seconds until the wait for a missing parent or child becomes overdue.")
    on_parent_deleted: Literal["keep", "restrict", "cascade", "detach"] = Field(
        description="The policy for the children of a deleted parent."
    )
    on_recreated: Literal["stop", "finish"] | None = Field(
        description="How long the children of a deleted parent are requested once it was created again: for a second, "
        "or until all are requested; null: they are not requested."
    )
    move: str | None = Field(description="The command that moves a child; null: children cannot be moved.")
    detach: str | None = Field(description="The command that detaches a child; null: children cannot be detached.")
    announce: str = Field(description="Name of the fact that announces a complete link; empty: none.")
    counts: LinkCounts | None = Field(default=None, description="Only with `counts=true`.")


class RelationshipResponse(RelationshipBody):
    """A declared relationship, as of a revision."""

    token: str


class RelationshipList(BaseModel):
    """All declared relationships, as of a revision."""

    items: list[RelationshipBody]
    token: str


class LinkItem(BaseModel):
    """A link as of the revision of its page."""

    child: str
    parent: str
    state: State
    since: datetime = Field(description="When the child was linked to this parent.")
    stated_child: str | None = Field(
        default=None, description="The key under which its owner knows the child, which is merged into `child`."
    )
    stated_parent: str | None = Field(
        default=None, description="The key that the child's owner stated, which is merged into `parent`."
    )
    due: datetime | None = Field(
        default=None, description="When the wait for the parent becomes overdue; absent: it is not missing."
    )


class LinkPage(Page):
    """A page of links."""

    items: list[LinkItem]


WithCounts = Annotated[
    bool, Query(description="Also count the links by state, which takes some tenths of a second per million links.")
]


@router.get("/relationships", response_model=RelationshipList, summary="List relationships")
async def list_relationships(when: AtRevision, deps: Injected, counts: WithCounts = False) -> Response:
    """All declared relationships by name; with `counts=true`, also their number of links by state."""
    async with when.newest() as at:
        items = [await _declared(deps, at, rel, counts) for _, rel in sorted(deps.catalog.relationships.items())]
    return answer({"items": items, "token": tokens.token(at.tenant, at.revision)})


@router.get("/relationships/{name}", response_model=RelationshipResponse, summary="Get a relationship")
async def relationship(name: str, when: AtRevision, deps: Injected, counts: WithCounts = False) -> Response:
    """One declared relationship; with `counts=true`, also its number of links by state."""
    rel = deps.catalog.relationship(name)
    async with when.newest() as at:
        declared = await _declared(deps, at, rel, counts)
    return answer({**declared, "token": tokens.token(at.tenant, at.revision)})


@router.get("/relationships/{name}/links", response_model=LinkPage, summary="List links")
async def list_links(
    name: str,
    when: AtRevision,
    deps: Injected,
    limit: Limit,
    parent: Annotated[KeyText | None, Query(description="Only children of this parent.")] = None,
    child: Annotated[KeyText | None, Query(description="Only this child.")] = None,
    state: Annotated[State | None, Query(description="Only links in this state.")] = None,
    cursor: Cursor = None,
) -> Response:
    """Ordered by child; with `parent`, or the state `waiting`, `overdue` or `broken`, by parent and child. Of
    many-to-many links: by child and parent; with `parent`, by child.

    Each page is as of the newest revision; pass the first page's `token` as `as_of` to read all pages as of one.
    A key that is merged into another one stands for that: its links are those of the survivor.
    A page may hold fewer items than its limit, even none; as long as `next` is not null, there are more pages.
    """
    rel = deps.catalog.relationship(name)
    pages = Listing(when.tenant, "links", name, parent, child, state)
    place = pages.place(cursor, (str,), (str, str))
    async with when.snapshot() as at:
        if parent is not None:
            parent = (await identities.resolve(at, deps.catalog, rel.parent, parent)).key
        if child is not None:
            child = (await identities.resolve(at, deps.catalog, rel.child, child)).key
        found, place = await links.page(at, LinkQuery(rel, parent, child, state), place, limit, at.now)
    return answer(
        {
            "items": [_item(link) for link in found],
            "next": pages.next(place),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def _item(link: LinkView) -> dict[str, Any]:
    item = {"child": link.child, "parent": link.parent, "state": link.state, "since": link.since}
    if link.due is not None:
        item["due"] = link.due
    if link.stated_child is not None:
        item["stated_child"] = link.stated_child
    if link.stated_parent is not None:
        item["stated_parent"] = link.stated_parent
    return item


async def _declared(deps: Dependencies, at: Snapshot, rel: Relationship, counts: bool) -> dict[str, Any]:
    declared: dict[str, Any] = {
        "name": rel.name,
        "parent": rel.parent,
        "parent_owner": deps.catalog.owner_of(rel.parent),
        "child": rel.child,
        "child_owner": deps.catalog.owner_of(rel.child),
        "via": rel.list_field or rel.field or "requested",
        "cardinality": rel.cardinality.value,
        "listing": rel.listing_side if rel.many else None,
        "deadline": rel.on_missing.deadline.total_seconds(),
        "on_parent_deleted": rel.on_parent_deleted.name,
        "on_recreated": rel.on_recreated,
        "move": None if rel.move is None else rel.move.__name__,
        "detach": None if rel.detach is None else rel.detach.__name__,
        "announce": rel.announce,
    }
    if counts:
        declared["counts"] = await link_counts.count_by_state(at, rel, at.now)
    return declared
