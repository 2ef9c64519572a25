"""The feed: what changed since a place, in order, nothing left out and nothing told twice."""

from time import monotonic
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Has
from api.http.paging import Limit, Listing
from api.http.queries import answer, wait_for_revision
from errors import BadToken, NotYet
from store.db import tokens
from store.db.snapshot import snapshot
from store.read import feed
from store.read.feed import BEGINNING, FeedPosition
from store.read.feed_phases import PHASES

router = APIRouter(tags=["feed"])


class Change(BaseModel):
    """One change. Which fields it has depends on ``change``."""

    revision: str = Field(description="Token of the revision that made it.")
    change: Literal["link", "entity", "fact"]
    relationship: str | None = Field(default=None, description="Of a link.")
    child: str | None = Field(default=None, description="Of a link.")
    parent: str | None = Field(default=None, description="Of a link: the present one, or if it is closed the last.")
    left: str | None = Field(default=None, description="Of a link: the parent that the child left for this one.")
    kind: str | None = Field(default=None, description="Of an entity.")
    key: str | None = Field(default=None, description="Of an entity.")
    state: str | None = Field(
        default=None,
        description="Of a link: linked, waiting, broken, conflict or closed. Of an entity: live or deleted.",
    )
    data: dict[str, Any] | None = Field(default=None, description="Of an entity.")
    fact: dict[str, Any] | None = Field(default=None, description="A CloudEvent of Tether's own: an announcement.")


class FeedPage(BaseModel):
    """Changes, in their order."""

    items: list[Change]
    next: str = Field(description="Where to go on: pass it as `after`. It is always given.")
    token: str = Field(description="Who has applied these and all before has everything up to this revision.")


@router.get("/feed", response_model=FeedPage, response_model_exclude_unset=True, summary="What changed")
async def changes(
    who: Reader,
    has: Has,
    limit: Limit,
    after: Annotated[
        str | None,
        Query(description="`next` of the page before, or a token: after that revision. Left out: from the beginning."),
    ] = None,
    wait: Annotated[float, Query(ge=0, description="Seconds to wait for something new, if there is nothing.")] = 0.0,
    relationship: Annotated[str | None, Query(description="Its links and announcements only.")] = None,
    kind: Annotated[str | None, Query(description="Entities of this kind only.")] = None,
) -> Response:
    """Revision by revision: entities, then links, then announcements.

    A parent that is heard of at last turns all its waiting links, each an item of its own. `overdue` is the clock's
    doing and no change. With a filter a page may be empty though more follows: `next` goes on all the same.
    """
    query = feed.query_for(has.catalog, relationship, kind)
    listing = Listing(who.tenant, "feed", relationship, kind)
    place = _place(who.tenant, listing, after)
    end = monotonic() + min(wait, has.settings.limits.wait)
    while True:
        async with snapshot(has.pool, who.tenant) as at:
            items, place = await feed.page(at, query, place, limit)
        left = max(0.0, end - monotonic())
        if items or not left:
            break
        try:
            await wait_for_revision(has, who.tenant, place.revision, left)
        except NotYet:
            end = 0.0  # one last look
    if place.revision > at.head + 1:
        raise NotYet("`after` names a revision that has not been reached")
    return answer(
        {
            "items": [{"revision": tokens.token(who.tenant, i.revision), **i.body} for i in items],
            "next": listing.next(place),
            "token": tokens.token(who.tenant, max(place.revision - 1, 0)),
        }
    )


def _place(tenant: str, listing: Listing, after: str | None) -> FeedPosition:
    if after is None:
        return BEGINNING
    try:
        revision, phase, keys = listing.place(after, (int, int, list))
    except BadToken:
        return FeedPosition(tokens.revision(tenant, after) + 1)
    if phase >= len(PHASES) or len(keys) != len(BEGINNING.keys):
        raise BadToken("the cursor was not given out for this feed; leave it out to start anew")
    return FeedPosition(revision, phase, tuple(keys))
