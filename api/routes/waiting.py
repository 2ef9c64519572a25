"""`GET /v1/waiting`: what relationships wait for: which fact, from which owner, since when and until when."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.explanations import wait_reason
from api.http.dependencies import Dependencies, Has
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, answer
from api.http.workflow_links import Workflow, workflow_of_instance
from store.db import tokens
from store.read import waits
from store.read.waits import OpenWait, WaitQuery

router = APIRouter(tags=["waiting"])


class WaitingFor(BaseModel):
    """The entity whose creation would end a wait."""

    owner: str = Field(description="The owner whose fact is missing.", examples=["categories"])
    kind: str | None = Field(description="Null: the relationship is no longer declared.", examples=["category"])
    key: str | None = Field(description="Null: a missing child has no known key.", examples=["books"])


class WaitingItem(BaseModel):
    """An instance of a relationship that is missing one side."""

    relationship: str = Field(examples=["category_item"])
    parent: str = Field(description="Key of the parent: the one that is missing, or the one whose child is missing.")
    missing: Literal["parent", "child"]
    waiting_for: WaitingFor
    children: int = Field(description="Number of links that wait for the parent.")
    waiting_since: datetime
    due: datetime = Field(description="When the wait becomes overdue.")
    overdue: bool
    overdue_notified_at: datetime | None = Field(
        description="When `RelationshipOverdue` was published; null: it was not."
    )
    reason: str = Field(
        description="The missing fact, or why its owner has not been sent the command yet.",
        examples=["CategoryAdded from categories has not arrived"],
    )
    workflow: Workflow | None = Field(
        description="The workflow that waits; null: during the grace period there is only a row."
    )


class WaitingPage(Page):
    """A page of waits."""

    items: list[WaitingItem]


@router.get("/waiting", response_model=WaitingPage, summary="List what is waited for, and from which owner")
async def list_waiting(
    when: AtRevision,
    has: Has,
    limit: Limit,
    relationship: Annotated[str | None, Query(description="Only waits of this relationship.")] = None,
    owner: Annotated[str | None, Query(description="Only waits for facts of this owner.")] = None,
    overdue: Annotated[bool, Query(description="Only waits whose due time has passed.")] = False,
    cursor: Cursor = None,
) -> Response:
    """Ordered by relationship and parent. Waits keep no history, so `as_of` can only name the newest revision.

    A page may hold fewer items than its limit, even none; as long as `next` is not null, there are more pages.
    """
    if relationship is not None:
        has.catalog.relationship(relationship)
    query, now = WaitQuery(relationship, owner, overdue), datetime.now(UTC)
    listing = Listing(when.tenant, "waiting", *query)
    place = listing.place(cursor, (str, str))
    async with when.newest() as at:
        found, place = await waits.page(at, query, place, limit, now)
    return answer(
        {
            "items": [_item(has, at.tenant, wait, now) for wait in found],
            "next": listing.next(place),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def _item(has: Dependencies, tenant: str, found: OpenWait, now: datetime) -> dict[str, Any]:
    workflow, wait = None, found.wait
    if wait.workflow_started_at is not None:
        workflow = workflow_of_instance(has, tenant, wait.relationship, wait.parent).model_dump()
    relationship = has.catalog.relationships.get(wait.relationship)
    kind = None
    if relationship is not None:
        kind = relationship.parent if wait.missing == "parent" else relationship.child
    return {
        "relationship": wait.relationship,
        "parent": wait.parent,
        "missing": wait.missing,
        "waiting_for": {
            "owner": wait.owner,
            "kind": kind,
            "key": wait.parent if wait.missing == "parent" else None,
        },
        "children": found.children,
        "waiting_since": wait.waiting_since,
        "due": wait.due,
        "overdue": wait.due < now,
        "overdue_notified_at": wait.overdue_notified_at,
        "reason": wait.last_error or wait_reason(has.catalog, wait.relationship, wait.missing),
        "workflow": workflow,
    }
