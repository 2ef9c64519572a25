"""`GET /v1/quarantine`: events that could not be recorded."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import answer
from store.db.pool import connection
from store.write import quarantine

router = APIRouter(tags=["quarantine"])


class QuarantinedFact(BaseModel):
    """An event as it was received, and why it could not be recorded."""

    id: int
    source: str | None
    event_id: str | None = Field(description="The event's id.")
    type: str | None
    reason: str = Field(examples=["unknown type: no contract declares UserCreated.v1"])
    received: datetime = Field(description="When it was last received.")
    times: int = Field(description="How many times it was received, in any spelling of the same JSON.")
    raw: str = Field(description="The event as it was first received.")


class QuarantinePage(BaseModel):
    """A page of the quarantine, newest first."""

    items: list[QuarantinedFact]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


@router.get("/quarantine", response_model=QuarantinePage, summary="List the quarantine")
async def list_quarantine(who: Reader, deps: Injected, limit: Limit, cursor: Cursor = None) -> Response:
    """Events that could not be recorded, each with its reason, newest first.

    A page may hold fewer items than its limit, since it is limited in bytes, too; as long as `next` is not null, there
    may be more.
    """
    listing = Listing(who.tenant, "quarantine")
    (before,) = listing.place(cursor, (int,)) or [None]
    async with connection(deps.pool) as conn:
        found, more = await quarantine.page(conn, who.tenant, before, limit)
    return answer({"items": found, "next": listing.next([found[-1]["id"]] if more else None)})
