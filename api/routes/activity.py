"""`GET /v1/entities/{kind}/{key}/activity`: what happened to one entity, in time order."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from api.http.dependencies import Dependencies, Injected
from api.http.key_paths import after_key
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, FilterText, KeyText, answer
from errors import Malformed, Unknown
from facts import tokens
from facts.envelope import nanoseconds, rfc_3339
from facts.reading import shown_as
from store.db.snapshot import Snapshot
from store.read import activity, entities, identities
from store.read.activity import ActivityFilter, ActivityItem
from store.read.activity_walk import Place
from store.read.identities import ResolvedKey

router = APIRouter(route_class=after_key("activity"))

_SHIFT = 2**68
"""Added to a time in nanoseconds for a cursor, which has no negative numbers."""
_DIGIT = 2**40
"""A cursor has a shifted time as two numbers, which must not be too large for JSON."""


class RecordedActivity(BaseModel):
    """One fact of activity."""

    origin: str = Field(description="The key it was recorded under: the entity's own, or one merged into it.")
    feed: str = Field(examples=["activity"])
    subject: str = Field(description="Its own key in the feed; without a `subject` its id.")
    time: str = Field(description="When it happened, to the nanosecond; without a `time`, when it was received.")
    type: str = Field(examples=["ActivityRecorded.v1"])
    source: str = Field(examples=["/activities"])
    id: str
    data: dict[str, Any]
    received: datetime = Field(description="When it was recorded.")
    revision: str = Field(description="Token of the revision at which it was recorded.")


class ActivityPage(Page):
    """A page of the activity of one entity."""

    requested: str = Field(description="The key in the path.")
    key: str = Field(description="The key of the entity: of the survivor, if the requested key is merged into another.")
    items: list[RecordedActivity]


@router.get(
    "/entities/{kind}/{key:key}/activity", response_model=ActivityPage, summary="List the activity of an entity"
)
async def list_activity(
    kind: str,
    key: Annotated[KeyText, Path()],
    when: AtRevision,
    deps: Injected,
    limit: Limit,
    type: Annotated[list[FilterText] | None, Query(description="Only facts of these types.")] = None,
    source: Annotated[list[FilterText] | None, Query(description="Only facts from these sources.")] = None,
    since: Annotated[str | None, Query(description="Only what happened at this time (RFC 3339) or later.")] = None,
    until: Annotated[str | None, Query(description="Only what happened before this time.")] = None,
    origin: Annotated[list[FilterText] | None, Query(description="Only what was recorded under these keys.")] = None,
    order: Annotated[Literal["newest", "oldest"], Query(description="Which comes first.")] = "newest",
    cursor: Cursor = None,
) -> Response:
    """What happened to an entity, in the order in which it happened. The activity of merged entities is one list, by
    whichever of their keys it is requested.

    Each page is as of the newest revision; pass the first page's `token` as `as_of` to read all pages as of one. Any
    kind has activity that a declared feed is about. A page is limited in bytes and in time, too: where facts are
    large, or a filter excludes most of them, it holds fewer items, or none, while `next` is not null.
    """
    _check_kind(deps, kind)
    only = ActivityFilter(type, source, _time("since", since), _time("until", until))
    listing = Listing(when.tenant, "activity", kind, key, type, source, since, until, origin, order)
    place = listing.place(cursor, (int, int, int))
    after = None if place is None else Place(place[0] * _DIGIT + place[1] - _SHIFT, place[2])
    async with when.snapshot() as at:
        identity = await identities.resolve(at, deps.catalog, kind, key)
        keys = [one for one in identity.members if origin is None or one in origin]
        newest = order == "newest"
        found, end = await activity.page(at, kind, keys, only, after, limit, newest_first=newest)
        if not found and not await _is_known(at, kind, identity):
            owner = deps.catalog.owner_of(kind)
            raise Unknown(f"no {kind} {key!r}: {owner} has published no fact about it, and it has no activity")
    return answer(
        {
            "requested": key,
            "key": identity.key,
            "items": [_item(deps, at, item) for item in found],
            "next": listing.next(end and [*divmod(end.happened + _SHIFT, _DIGIT), end.position]),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def _check_kind(deps: Dependencies, kind: str) -> None:
    deps.catalog.owner_of(kind)
    declared = {contract.about.kind for contract in deps.catalog.contracts.activity.values() if contract.about}
    if kind not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise Unknown(f"no feed of activity is about {kind!r}; kinds with activity are: {known}")


def _time(name: str, text: str | None) -> int | None:
    try:
        return nanoseconds(text)
    except Malformed:
        reason = "is no RFC 3339 time such as 2026-01-31T12:00:00Z"
        raise RequestValidationError([{"loc": ("query", name), "msg": reason, "type": "time"}]) from None


async def _is_known(at: Snapshot, kind: str, identity: ResolvedKey) -> bool:
    if len(identity.members) > 1 or await entities.find_state(at, kind, identity.key) is not None:
        return True
    return await activity.has_activity(at, kind, identity.key)


def _item(deps: Dependencies, at: Snapshot, item: ActivityItem) -> dict[str, Any]:
    return {
        "origin": item.origin,
        "feed": item.feed,
        "subject": item.subject,
        "time": rfc_3339(item.place.happened),
        "type": item.type,
        "source": item.source,
        "id": item.id,
        "data": shown_as(deps.catalog.contracts, item.type, item.data),
        "received": item.received,
        "revision": tokens.token(at.tenant, item.revision),
    }
