"""`GET /v1/quarantine…`: events that could not be recorded, one by one, and in groups by cause."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import FilterText, answer
from messages.quarantine_reasons import Cause, ReasonCode, describe_cause, version_of
from store.db.pool import connection
from store.quarantine import listings
from store.quarantine.listings import TYPE, EventFilter, KeptEvent, QuarantineGroup

router = APIRouter(tags=["quarantine"])

TypeFilter = Annotated[FilterText | None, Query(description="Only events of this type, as they named it.")]
CodeFilter = Annotated[ReasonCode | None, Query(description="Only events that are there for this reason.")]
FieldFilter = Annotated[FilterText | None, Query(description="Only events whose reason is about this field.")]
SourceFilter = Annotated[FilterText | None, Query(description="Only events of this source.")]
KeyFilter = Annotated[FilterText | None, Query(description="Only events that the API key of this name sent first.")]


class QuarantinedFact(BaseModel):
    """An event as it was received, and why it could not be recorded."""

    id: int
    source: str | None
    event_id: str | None = Field(description="The event's id.")
    type: str | None
    code: ReasonCode = Field(description="Why it could not be recorded.")
    field: str = Field(description="The attribute, or field of its data, that the code is about; empty: none.")
    reason: str = Field(examples=["unknown type: no contract declares UserCreated.v1"])
    key: str = Field(description="Name of the API key that sent it first; empty: it was not kept.")
    first_received: datetime
    received: datetime = Field(description="When it was last received.")
    times: int = Field(description="How many times it was received, in any spelling of the same JSON.")
    raw: str = Field(description="The event as it was first received.")


class QuarantinePage(BaseModel):
    """A page of the quarantine, newest first."""

    items: list[QuarantinedFact]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


class QuarantineSample(BaseModel):
    """One of the newest events of a group."""

    id: int
    source: str | None
    event_id: str | None
    reason: str


class GroupOfEvents(BaseModel):
    """The events that are in quarantine for the same cause: a type, a code and a field."""

    type: str | None
    version: int | None = Field(description="That the type names, as in `UserCreated.v2`; null: none.")
    code: ReasonCode
    field: str
    cause: str = Field(description="The same for people.", examples=["field `email` missing"])
    events: int = Field(description="How many events are there.")
    bytes: int
    first_seen: datetime = Field(description="When the first event of the group was received.")
    last_seen: datetime
    per_hour: list[int] = Field(
        description="How many were received, repeats included, in each of the last 24 hours of the clock; the present"
        " one is the last."
    )
    per_day: list[int] = Field(description="The same in each of the last seven times 24 hours.")
    samples: list[QuarantineSample] = Field(description="The newest ones.")


class QuarantineGroups(BaseModel):
    """A page of groups, by type, code and field."""

    items: list[GroupOfEvents]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


async def event_filter(
    type: TypeFilter = None,
    code: CodeFilter = None,
    field: FieldFilter = None,
    source: SourceFilter = None,
    key: KeyFilter = None,
) -> EventFilter:
    """The filter that the query parameters name."""
    return EventFilter(None if type is None else type[:TYPE], code, field, source, key)


Filtered = Annotated[EventFilter, Depends(event_filter)]


@router.get("/quarantine", response_model=QuarantinePage, summary="List the quarantine")
async def list_quarantine(
    who: Reader, deps: Injected, wanted: Filtered, limit: Limit, cursor: Cursor = None
) -> Response:
    """Events that could not be recorded, each with its reason, newest first.

    A page may hold fewer items than its limit, since it is limited in bytes, too, and with filters in how many events
    it reads; as long as `next` is not null, there may be more.
    """
    listing = Listing(who.tenant, "quarantine", *wanted)
    (before,) = listing.place(cursor, (int,)) or [None]
    async with connection(deps.pool) as conn:
        found, after = await listings.page(conn, who.tenant, wanted, before, limit)
    next = listing.next(None if after is None else [after])
    return answer({"items": [event_body(one) for one in found], "next": next})


@router.get("/quarantine/groups", response_model=QuarantineGroups, summary="List the causes of the quarantine")
async def list_groups(
    who: Reader,
    deps: Injected,
    limit: Limit,
    type: TypeFilter = None,
    code: CodeFilter = None,
    field: FieldFilter = None,
    cursor: Cursor = None,
) -> Response:
    """The events in quarantine, grouped by type, code and field: how many there are, how many come, and samples."""
    wanted = EventFilter(type, code, field)
    listing = Listing(who.tenant, "quarantine groups", *wanted)
    place = listing.place(cursor, (str, str, str))
    async with connection(deps.pool) as conn:
        found, after = await listings.groups(conn, who.tenant, wanted, Cause(*place) if place else None, limit)
    return answer({"items": [_group_body(one) for one in found], "next": listing.next(after)})


@router.get("/quarantine/{id:int}", response_model=QuarantinedFact, summary="Get an event of the quarantine")
async def show(id: Annotated[int, Path(lt=2**62)], who: Reader, deps: Injected) -> Response:
    """One event as it was received, and why it could not be recorded."""
    async with connection(deps.pool) as conn:
        return answer(event_body(await listings.find(conn, who.tenant, id)))


def event_body(one: KeptEvent) -> dict[str, Any]:
    """An event as answers show it."""
    return {
        "id": one.id,
        "source": one.source,
        "event_id": one.event_id,
        "type": one.type or None,
        "code": one.code,
        "field": one.field,
        "reason": one.reason,
        "key": one.actor,
        "first_received": one.first_received,
        "received": one.received,
        "times": one.times,
        "raw": one.raw.decode("utf-8", "replace"),
    }


def _group_body(one: QuarantineGroup) -> dict[str, Any]:
    return {
        "type": one.cause.type or None,
        "version": version_of(one.cause.type),
        "code": one.cause.code,
        "field": one.cause.field,
        "cause": describe_cause(one.cause),
        "events": one.events,
        "bytes": one.bytes,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "per_hour": one.per_hour,
        "per_day": one.per_day,
        "samples": [sample._asdict() for sample in one.samples],
    }
