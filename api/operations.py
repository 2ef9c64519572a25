"""Operations: work that a caller started, and what became of it."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.keys import Reader
from api.reading import Key
from api.services import Has, Services
from starter import workflow_url
from store import operations, tokens
from workflows.messages import Instance, workflow_id

router = APIRouter(tags=["operations"])


class Workflow(BaseModel):
    """The workflow that carries it out."""

    id: str
    url: str | None = Field(description="Where Temporal's Web UI shows it.")


class Operation(BaseModel):
    """One operation."""

    id: str
    kind: Literal["link", "unlink"]
    state: Literal["waiting", "done", "refused", "expired"]
    relationship: str
    parent: str
    child: str
    reason: str = Field(description="Why it was refused or has expired.")
    created: datetime
    due: datetime = Field(description="When it expires, if both sides do not exist by then.")
    ended: datetime | None
    token: str | None = Field(description="The revision it made, once it is done.")
    workflow: Workflow


def describe(has: Services, tenant: str, row: Any) -> Operation:
    """The answer for one row."""
    return Operation(
        id=row["id"],
        kind=row["kind"],
        state=row["state"],
        relationship=row["relationship"],
        parent=row["parent"],
        child=row["child"],
        reason=row["reason"],
        created=row["created_at"],
        due=row["due"],
        ended=row["ended_at"],
        token=tokens.token(tenant, row["revision"]) if row["revision"] is not None else None,
        workflow=workflow(has, tenant, row["relationship"], row["parent"]),
    )


def workflow(has: Services, tenant: str, relationship: str, parent: str) -> Workflow:
    """The workflow of an instance, and where to look at it."""
    id = workflow_id(Instance(tenant=tenant, relationship=relationship, parent=parent))
    ui = has.settings.temporal_ui_url
    return Workflow(id=id, url=workflow_url(ui, has.starter.namespace, id) if ui else None)


@router.get("/operations/{id}", summary="What became of an operation")
async def operation(id: Key, who: Reader, has: Has) -> Operation:
    """Its state, and the workflow that carries it out."""
    return describe(has, who.tenant, await operations.find(has.pool, who.tenant, id))
