"""`GET /v1/feed`: all changes since a position, in order, without gaps or repetitions."""

from time import monotonic
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Injected
from api.http.paging import Limit
from api.http.queries import answer, wait_for_revision
from errors import NotYet
from facts import tokens
from store.db import epochs
from store.db.snapshot import snapshot
from store.read import feed, feed_offsets
from store.read.feed_offsets import BEGINNING
from store.read.feed_query import query_for

router = APIRouter(tags=["feed"])


class FeedChange(BaseModel):
    """One change. Which fields it has depends on ``change``."""

    revision: str = Field(description="Token of the revision of the change.")
    change: Literal["link", "entity", "fact", "merged", "unmerged", "activity"]
    relationship: str | None = Field(default=None, description="Of a link.")
    child: str | None = Field(default=None, description="Of a link.")
    parent: str | None = Field(default=None, description="Of a link: the present parent, or the last one.")
    previous_parent: str | None = Field(default=None, description="Of a link: the parent that the child had before.")
    stated_child: str | None = Field(
        default=None,
        description="Of a link: the key under which its owner knows the child, which is merged into `child`.",
    )
    stated_parent: str | None = Field(
        default=None, description="Of a link: the key that the child's owner stated, which is merged into `parent`."
    )
    kind: str | None = Field(
        default=None, description="Of an entity, of a key that is merged or unmerged, or of what activity is about."
    )
    key: str | None = Field(
        default=None,
        description="Of an entity: that of the record that changed. The key that is merged or unmerged. "
        "Of activity: the key that it was recorded under.",
    )
    feed: str | None = Field(default=None, description="Of activity: the kind of its feed.")
    time: str | None = Field(default=None, description="Of activity: when it happened.")
    replaced_by: str | None = Field(
        default=None,
        description="Of an entity, and of activity: the survivor that `key` is merged into at that revision.",
    )
    survivor: str | None = Field(default=None, description="Of a merged key: what it stands for from now on.")
    previous_survivor: str | None = Field(
        default=None, description="Of a merged or unmerged key: what it has stood for until then."
    )
    state: str | None = Field(
        default=None,
        description="Of a link: linked, waiting, broken, conflict or closed. "
        "Of an entity: live or deleted; unknown if all of its facts are void. Of activity: recorded or voided.",
    )
    data: dict[str, Any] | None = Field(default=None, description="Of an entity.")
    fact: dict[str, Any] | None = Field(
        default=None, description="A fact of Tether's own, or of activity, as a CloudEvent."
    )


class FeedPage(BaseModel):
    """A page of changes, in order."""

    items: list[FeedChange]
    next: str = Field(description="Pass it as `after` for the changes that follow. Never null.")
    token: str = Field(description="The revision up to which this page and all before it are complete.")


@router.get("/feed", response_model=FeedPage, response_model_exclude_unset=True, summary="Read the feed of changes")
async def changes(
    who: Reader,
    deps: Injected,
    limit: Limit,
    after: Annotated[
        str | None,
        Query(description="`next` of the previous page, or a token: changes after it. Default: all changes."),
    ] = None,
    wait: Annotated[float, Query(ge=0, description="Seconds to wait for a change if there is none yet.")] = 0.0,
    relationship: Annotated[str | None, Query(description="Only links and announcements of this relationship.")] = None,
    kind: Annotated[
        str | None,
        Query(description="Only entities of this kind, and activity: about them, or of the feed of this name."),
    ] = None,
) -> Response:
    """Ordered by revision; within a revision entities, then links, announcements, merged keys, and activity.

    When a missing parent is created, each of its links changes to `linked`, as an item of its own. Becoming `overdue`
    is no change. With a filter, a page may be empty although changes follow: go on with `next`. A page is limited in
    bytes, too, and holds fewer items where entities are large.
    """
    query = query_for(deps.catalog, relationship, kind)
    place = BEGINNING if after is None else feed_offsets.decode(who.tenant, after)
    end = monotonic() + min(wait, deps.settings.limits.wait)
    while True:
        async with snapshot(deps.pool, who.tenant) as at:
            if after is not None:
                epochs.check_position(at, place.revision)
            items, place = await feed.page(at, query, place, limit)
        left = max(0.0, end - monotonic())
        if items or not left:
            break
        try:
            await wait_for_revision(deps, who.tenant, place.revision, left)
        except NotYet:
            end = 0.0  # reads once more, then answers
    if place.revision > at.head + 1:
        raise NotYet("`after` names a revision that has not been reached")
    return answer(
        {
            "items": [{"revision": tokens.token(who.tenant, i.revision), **i.body} for i in items],
            "next": feed_offsets.encode(who.tenant, place),
            "token": tokens.token(who.tenant, max(place.revision - 1, 0)),
        }
    )
