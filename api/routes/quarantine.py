"""Facts that were kept but could not be used."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Has
from api.http.queries import Cursor, Limit, Listing, answer
from store.db.pool import connection
from store.write import quarantine

router = APIRouter(tags=["quarantine"])


class Kept(BaseModel):
    """A fact as it came, and why it could not be taken."""

    id: int
    source: str | None
    event_id: str | None = Field(description="The event's own id.")
    type: str | None
    reason: str = Field(examples=["unknown type: no contract declares UserCreated.v1"])
    received: datetime = Field(description="When it came last.")
    times: int = Field(description="How often it came.")
    raw: str = Field(description="The event as it came.")


class QuarantinePage(BaseModel):
    """Some of the facts in quarantine, newest first."""

    items: list[Kept]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


@router.get("/quarantine", response_model=QuarantinePage, summary="Facts that could not be used")
async def list_quarantine(who: Reader, has: Has, limit: Limit, cursor: Cursor = None) -> Response:
    """Each with its reason; newest first. The rest of its batch went on without it."""
    listing = Listing(who.tenant, "quarantine")
    (before,) = listing.place(cursor, (int,)) or [None]
    async with connection(has.pool) as conn:
        found = await quarantine.page(conn, who.tenant, before, limit + 1)
    more = len(found) > limit
    found = found[:limit]
    return answer({"items": found, "next": listing.next([found[-1]["id"]] if more else None)})
