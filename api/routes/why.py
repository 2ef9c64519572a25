"""Why a link is as it is."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.explanations import says, sentence
from api.http.dependencies import Has, Services
from api.http.queries import AtRevision, Key, answer
from api.http.workflow_links import Workflow, workflow, workflow_of_instance
from catalog.relationship import Relationship
from errors import Unknown
from messages.workflow_ids import Subject
from store.db import tokens
from store.db.snapshot import Snapshot
from store.read.explain import Reasons, reasons

router = APIRouter()

_EXAMPLE = (
    "ItemAdded i7 (items, 3 Jan 2026 12:00) names category c1, which has not been heard of; "
    "waiting for CategoryAdded from categories since 3 Jan 2026 12:00, due 4 Jan 2026 12:00."
)


class Decided(BaseModel):
    """A fact that decides."""

    type: str = Field(examples=["ItemAdded.v1"])
    source: str
    id: str
    sequence: str | None
    time: datetime = Field(description="When it happened; if nobody said, when it was received.")
    revision: str = Field(description="Token of the revision at which it was recorded.")
    says: str = Field(examples=["names category c1"])


class Before(BaseModel):
    """To whom the child belonged, from one revision to another."""

    parent: str
    since: datetime
    from_: str = Field(alias="from", description="Token.")
    to: str | None = Field(description="Token; null: it still does.")


class Why(BaseModel):
    """A link, and what made it so."""

    relationship: str
    child: str
    parent: str = Field(description="The present one, or the last.")
    state: Literal["linked", "waiting", "overdue", "broken", "conflict", "closed"]
    sentence: str = Field(examples=[_EXAMPLE])
    since: datetime
    due: datetime | None = Field(description="Until when the parent is waited for; null: it is not.")
    debtor: str | None = Field(description="The owner whose fact is lacking.")
    facts: list[Decided] = Field(
        description="The child's fact that names the parent; the parent's that made its state."
    )
    history: list[Before] = Field(description="All that the child's link has been, oldest first; the newest hundred.")
    operation: str | None = Field(description="The operation that sees to it, as its parent is gone; null: none.")
    workflow: Workflow | None
    token: str


@router.get("/relationships/{name}/links/{child:path}/why", response_model=Why, summary="Why a link is as it is")
async def why(name: str, child: Annotated[Key, Path()], when: AtRevision, has: Has) -> Response:
    """In plain words, with the facts that decided it and what it was before; as of the newest revision."""
    rel = has.catalog.relationship(name)
    async with when.newest() as at:
        found = await reasons(at, rel, child, datetime.now(UTC))
    if found is None:
        raise Unknown(f"{rel.child} {child!r} never had a link in {rel.name}")
    return answer(_describe(has, rel, child, found, at))


def _describe(has: Services, rel: Relationship, child: str, why: Reasons, at: Snapshot) -> dict[str, Any]:
    parent, link = why.history[-1].parent, why.link
    told = [
        {
            "type": fact.type,
            "source": fact.source,
            "id": fact.id,
            "sequence": fact.sequence,
            "time": fact.time,
            "revision": tokens.token(at.tenant, fact.revision),
            "says": says(rel, fact, of_parent=of_parent, parent=parent, link=link is not None),
        }
        for fact, of_parent in ((why.said, False), (why.turned, True))
        if fact is not None
    ]
    history = [
        {
            "parent": version.parent,
            "since": version.since,
            "from": tokens.token(at.tenant, version.from_revision),
            "to": None if version.to_revision is None else tokens.token(at.tenant, version.to_revision),
        }
        for version in why.history
    ]
    waits = rel.always or (why.wait is not None and why.wait.started is not None)
    runs = workflow_of_instance(has, at.tenant, rel.name, parent) if waits else None
    if why.fate is not None:
        runs = workflow(has, Subject(tenant=at.tenant, workflow="cascade", about=rel.parent, key=parent))
    return {
        "relationship": rel.name,
        "child": child,
        "parent": parent,
        "state": link.state if link is not None else "closed",
        "sentence": sentence(has.catalog, rel, child, why),
        "since": why.history[-1].since,
        "due": link.due if link is not None else None,
        "debtor": has.catalog.owner_of(rel.parent) if link is not None and link.due is not None else None,
        "facts": told,
        "history": history,
        "operation": why.fate.operation if why.fate is not None else None,
        "workflow": runs.model_dump() if runs is not None else None,
        "token": tokens.token(at.tenant, at.revision),
    }
