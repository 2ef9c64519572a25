"""`GET /v1/waiting`: what relationships wait for: which fact, from which owner, since when and until when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.explanations import similar_hint, wait_reason
from api.http.dependencies import Dependencies, Injected
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, answer
from api.http.workflow_links import Workflow, workflow_of_instance
from facts import tokens
from store.read import waits
from store.read.similar_keys import EntityKey, similar_keys
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
    parent: str | None = Field(
        description="Key of the parent: the one that is missing, or the one whose child is missing; null: parents list "
        "their children, and the missing child is `waiting_for`."
    )
    missing: Literal["parent", "child"]
    waiting_for: WaitingFor
    similar: list[str] | None = Field(
        description="Of a missing parent: keys of live entities of its kind that differ from `parent` only in letter "
        "case, Unicode normal form, white space, leading zeros or the spelling of a UUID. At most five. Null: not "
        "looked up, which is done for the first hundred missing parents of a page.",
        examples=[["Books"]],
    )
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
    deps: Injected,
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
        deps.catalog.relationship(relationship)
    query = WaitQuery(relationship, owner, overdue)
    listing = Listing(when.tenant, "waiting", *query)
    place = listing.place(cursor, (str, str))
    async with when.newest() as at:
        lists = {r.name for r in deps.catalog.relationships.values() if r.parent_lists}
        found, place = await waits.page(at, query, place, limit, at.now, lists)
        similar = await similar_keys(at, [at_parent for wait in found if (at_parent := _missing_parent(deps, wait))])
    return answer(
        {
            "items": [_item(deps, at.tenant, wait, at.now, similar) for wait in found],
            "next": listing.next(place),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def _missing_parent(deps: Dependencies, found: OpenWait) -> EntityKey | None:
    """(kind, key) of the entity that links of a wait name; None: a child is requested, or it is no longer declared."""
    relationship = deps.catalog.relationships.get(found.wait.relationship)
    if relationship is None or (found.wait.missing == "child" and not relationship.parent_lists):
        return None
    return relationship.element_kind, found.wait.parent


def _item(
    deps: Dependencies, tenant: str, found: OpenWait, now: datetime, similar: Mapping[EntityKey, list[str]]
) -> dict[str, Any]:
    workflow, wait = None, found.wait
    if wait.workflow_started_at is not None:
        workflow = workflow_of_instance(deps, tenant, wait.relationship, wait.parent).model_dump()
    relationship = deps.catalog.relationships.get(wait.relationship)
    kind = None
    if relationship is not None:
        kind = relationship.parent if wait.missing == "parent" else relationship.child
    missing_parent = _missing_parent(deps, found)
    alike = similar.get(missing_parent) if missing_parent is not None else []
    return {
        "relationship": wait.relationship,
        "parent": None if relationship is not None and relationship.parent_lists else wait.parent,
        "missing": wait.missing,
        "waiting_for": {
            "owner": wait.owner,
            "kind": kind,
            "key": wait.parent if wait.missing == "parent" or missing_parent is not None else None,
        },
        "similar": alike,
        "children": found.children,
        "waiting_since": wait.waiting_since,
        "due": wait.due,
        "overdue": wait.due < now,
        "overdue_notified_at": wait.overdue_notified_at,
        "reason": wait_reason(deps.catalog, wait) + similar_hint(kind or "", alike or ()),
        "workflow": workflow,
    }
