"""What is waited for: each with who owes it, why, since when and until when."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.explanations import awaited
from api.http.dependencies import Has, Services
from api.http.queries import AtRevision, Cursor, Limit, Listing, Page, answer
from api.http.workflow_links import Workflow, workflow_of_instance
from store.db import tokens
from store.read import waits
from store.read.waits import Asked, Wait

router = APIRouter(tags=["waiting"])


class Waiting(BaseModel):
    """An instance of a relationship that is not complete."""

    relationship: str = Field(examples=["category_item"])
    parent: str = Field(description="Key of the parent: the one that is missing, or that lacks its child.")
    lacks: Literal["parent", "child"]
    debtor: str = Field(description="The owner whose fact would end the wait.", examples=["categories"])
    children: int = Field(description="Links that wait for it.")
    since: datetime
    due: datetime
    overdue: bool
    told: datetime | None = Field(description="When the debtor was told that it is overdue.")
    reason: str = Field(examples=["CategoryAdded from categories has not come"])
    workflow: Workflow | None = Field(
        description="The workflow that waits, if one was started; rows alone wait at first."
    )


class WaitingPage(Page):
    """Some of what is waited for."""

    items: list[Waiting]


@router.get("/waiting", response_model=WaitingPage, summary="What is waited for, and who owes it")
async def list_waiting(
    when: AtRevision,
    has: Has,
    limit: Limit,
    relationship: Annotated[str | None, Query(description="Only of this relationship.")] = None,
    debtor: Annotated[str | None, Query(description="Only what this owner owes.")] = None,
    overdue: Annotated[bool, Query(description="Only what is past its deadline.")] = False,
    cursor: Cursor = None,
) -> Response:
    """By relationship and parent. Waits keep no history, so `as_of` can only name the newest revision.

    A page may hold fewer items than asked for, even none, and there is more as long as `next` is given.
    """
    if relationship is not None:
        has.catalog.relationship(relationship)
    asked, now = Asked(relationship, debtor, overdue), datetime.now(UTC)
    listing = Listing(when.tenant, "waiting", *asked)
    place = listing.place(cursor, (str, str))
    async with when.newest() as at:
        found, place = await waits.page(at, asked, place, limit, now)
    return answer(
        {
            "items": [describe(has, at.tenant, wait, now) for wait in found],
            "next": listing.next(place),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def describe(has: Services, tenant: str, wait: Wait, now: datetime) -> dict[str, Any]:
    """The answer for one wait."""
    started = wait.started is not None
    return {
        "relationship": wait.relationship,
        "parent": wait.parent,
        "lacks": wait.lacks,
        "debtor": wait.debtor,
        "children": wait.children,
        "since": wait.since,
        "due": wait.due,
        "overdue": wait.due < now,
        "told": wait.told,
        "reason": wait.note or f"{awaited(has.catalog, wait.relationship, wait.lacks)} has not come",
        "workflow": workflow_of_instance(has, tenant, wait.relationship, wait.parent).model_dump() if started else None,
    }
