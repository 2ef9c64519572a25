"""`GET …/links/{child}/why`: explains the state of one link by the facts that caused it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.explanations import explain_fact, explain_link
from api.http.dependencies import Dependencies, Injected
from api.http.queries import AtRevision, KeyText, answer
from api.http.workflow_links import Workflow, workflow, workflow_of_instance
from api.routes.waiting import WaitingFor
from catalog.relationship import Relationship
from errors import Refused, Unknown
from facts import tokens
from messages.workflow_ids import Subject
from store.db.snapshot import Snapshot
from store.read import entity_facts, identities, many_link_evidence
from store.read.deciding_facts import StaleFact
from store.read.link_evidence import Explanation, explain

router = APIRouter()

_EXAMPLE = (
    "ItemAdded i7 (items, 3 Jan 2026 12:00) names category c1, which is not known yet; "
    "waiting for CategoryAdded from categories since 3 Jan 2026 12:00, due 4 Jan 2026 12:00."
)


class LinkFact(BaseModel):
    """A fact that caused the state of the link."""

    type: str = Field(examples=["ItemAdded.v1"])
    source: str
    id: str
    sequence: str | None
    time: datetime = Field(description="The event's time; if it has none, when it was received.")
    revision: str = Field(description="Token of the revision at which it was recorded.")
    effect_on_link: str = Field(examples=["names category c1"])


class NewerLinkFact(BaseModel):
    """A deciding fact that had arrived before an older one."""

    type: str = Field(examples=["TeamDeleted.v1"])
    source: str
    id: str
    sequence: str | None
    time: datetime


class StaleLinkFact(BaseModel):
    """A fact that would have decided the link otherwise, if it had not been older than what was known."""

    type: str = Field(examples=["TeamCreated.v1"])
    source: str
    id: str
    sequence: str | None
    time: datetime = Field(description="The event's time; if it has none, when it was received.")
    revision: str = Field(description="Token of the revision at which it was recorded.")
    older_than: NewerLinkFact = Field(description="The deciding fact, which was known when it arrived.")


class FormerParent(BaseModel):
    """One parent of the child, over a range of revisions."""

    parent: str
    since: datetime
    from_: str = Field(alias="from", description="Token of the first revision.")
    to: str | None = Field(description="Token of the revision that ended it; null: it is the present parent.")


class LinkExplanation(BaseModel):
    """A link, and what caused its state."""

    relationship: str
    requested: str = Field(description="The key of the request, which may be merged into `child`.")
    child: str
    stated_child: str | None = Field(description="The key that the child's owner knows it by; null: `child`.")
    parent: str = Field(description="Key of the present parent, or of the last one.")
    stated_parent: str | None = Field(
        description="The key that the child's owner stated, which is merged into `parent`; null: `parent`."
    )
    state: Literal["linked", "waiting", "overdue", "broken", "conflict", "closed"]
    sentence: str = Field(examples=[_EXAMPLE])
    since: datetime = Field(description="When the child was linked to this parent.")
    missing: Literal["parent", "child"] | None = Field(description="Null: the link waits for nothing.")
    waiting_for: WaitingFor | None = Field(description="The missing parent; null: the link waits for nothing.")
    waiting_since: datetime | None
    due: datetime | None = Field(description="When the wait becomes overdue; null: the link waits for nothing.")
    overdue_notified_at: datetime | None = Field(
        description="When `RelationshipOverdue` was published; null: it was not."
    )
    similar: list[str] = Field(
        description="Of a link that waits: keys of live entities of the parent's kind that differ from `parent` only "
        "in letter case, Unicode normal form, white space, leading zeros or the spelling of a UUID. At most five.",
        examples=[["C1"]],
    )
    facts: list[LinkFact] = Field(
        description="The child's fact that names the parent, and the parent's fact that caused its state."
    )
    stale_facts: list[StaleLinkFact] = Field(
        description="Facts of the child and of the parent that arrived after the deciding ones and are older, so that "
        "they changed nothing about the link: the last five that would have decided otherwise, newest arrival first. "
        "`GET /v1/entities/{kind}/{key}/facts?stale=true` lists all stale facts of one of them."
    )
    history: list[FormerParent] = Field(description="The child's parents, oldest first; the newest hundred.")
    operation: str | None = Field(
        description="The operation that processes the child because its parent was deleted; null: none."
    )
    workflow: Workflow | None
    token: str


@router.get(
    "/relationships/{name}/links/{child:key}/why",
    response_model=LinkExplanation,
    summary="Explain the state of a link",
)
async def why(
    name: str,
    child: Annotated[KeyText, Path()],
    when: AtRevision,
    deps: Injected,
    parent: Annotated[KeyText | None, Query(description="Many to many: which link of the child; needed there.")] = None,
) -> Response:
    """As a sentence, with the facts that caused the state and the child's former parents; at the newest revision."""
    rel = deps.catalog.relationship(name)
    async with when.newest() as at:
        resolved = await identities.resolve(at, deps.catalog, rel.child, child)
        if rel.many:
            if parent is None:
                raise Refused(f"a {rel.child} has many links in {name}: name one by its {rel.parent}, ?parent=…")
            of_parent = await identities.resolve(at, deps.catalog, rel.parent, parent)
            found = await many_link_evidence.explain(at, deps.catalog, rel, resolved.key, of_parent.key, at.now)
        else:
            found = await explain(at, deps.catalog, rel, resolved.key, at.now)
        if found is None:
            raise Unknown(
                f"{rel.child} {child!r} never had a link in {rel.name}{await _stale_hint(deps, at, rel, child)}"
            )
    return answer({**_body(deps, rel, resolved.key, found, at), "requested": child})


async def _stale_hint(deps: Dependencies, at: Snapshot, rel: Relationship, child: str) -> str:
    """Says why a child has no link although a fact may name its parent: the fact is older than what was known."""
    stale, _ = await entity_facts.page(at, rel.child, deps.key(rel.child, child), None, 1, stale=True)
    if not stale:
        return ""
    return f"; {stale[0].type} arrived later than a newer fact: the entity's facts with `stale=true` name both"


def _body(deps: Dependencies, rel: Relationship, child: str, why: Explanation, at: Snapshot) -> dict[str, Any]:
    parent, link = why.history[-1].parent, why.link
    naming = many_link_evidence.stated_keys(rel, child, parent, link)[0] if rel.many else child
    return {
        "relationship": rel.name,
        "child": child,
        "stated_child": None if link is None else link.stated_child,
        "parent": parent,
        "stated_parent": None if link is None else link.stated_parent,
        "state": link.state if link is not None else "closed",
        "sentence": explain_link(deps.catalog, rel, naming, why),
        "since": why.history[-1].since,
        **_wait(deps, rel, why),
        "similar": why.similar,
        "facts": _facts(rel, why, at, child if rel.parent_lists else parent),
        "stale_facts": [_stale_fact(fact, at) for fact in why.stale],
        "history": [
            {
                "parent": version.parent,
                "since": version.since,
                "from": tokens.token(at.tenant, version.from_revision),
                "to": None if version.to_revision is None else tokens.token(at.tenant, version.to_revision),
            }
            for version in why.history
        ],
        "operation": why.cascade.operation if why.cascade is not None else None,
        "workflow": _workflow(deps, rel, why, at.tenant),
        "token": tokens.token(at.tenant, at.revision),
    }


def _wait(deps: Dependencies, rel: Relationship, why: Explanation) -> dict[str, Any]:
    """The fields that describe what the link waits for; all null if it waits for nothing."""
    link, wait = why.link, why.wait
    if link is None or link.due is None:
        return dict.fromkeys(("missing", "waiting_for", "waiting_since", "due", "overdue_notified_at"))
    return {
        "missing": "child" if rel.parent_lists else "parent",
        "waiting_for": {
            "owner": deps.catalog.owner_of(rel.element_kind),
            "kind": rel.element_kind,
            "key": link.child if rel.parent_lists else link.parent,
        },
        "waiting_since": wait.waiting_since if wait is not None else link.since,
        "due": link.due,
        "overdue_notified_at": wait.overdue_notified_at if wait is not None else None,
    }


def _facts(rel: Relationship, why: Explanation, at: Snapshot, named: str) -> list[dict[str, Any]]:
    return [
        {
            "type": fact.type,
            "source": fact.source,
            "id": fact.id,
            "sequence": fact.sequence,
            "time": fact.time,
            "revision": tokens.token(at.tenant, fact.revision),
            "effect_on_link": explain_fact(
                rel, fact, of_parent=of_parent, parent=named, open_link=why.link is not None
            ),
        }
        for fact, of_parent in ((why.child_fact, False), (why.parent_fact, True))
        if fact is not None
    ]


def _stale_fact(stale: StaleFact, at: Snapshot) -> dict[str, Any]:
    fact, newer = stale
    return {
        "type": fact.type,
        "source": fact.source,
        "id": fact.id,
        "sequence": fact.sequence,
        "time": fact.time,
        "revision": tokens.token(at.tenant, fact.revision),
        "older_than": {
            "type": newer.type,
            "source": newer.source,
            "id": newer.id,
            "sequence": newer.sequence,
            "time": newer.time,
        },
    }


def _workflow(deps: Dependencies, rel: Relationship, why: Explanation, tenant: str) -> dict[str, Any] | None:
    """The workflow that processes a deleted parent's children, or the one of the relationship instance, if it runs."""
    parent = why.history[-1].parent
    named = why.wait.parent if why.wait is not None else parent
    if why.cascade is not None:
        subject = Subject(tenant=tenant, workflow="cascade", about=rel.parent, key=parent)
        return workflow(deps, subject).model_dump()
    if rel.always or (why.wait is not None and why.wait.workflow_started_at is not None):
        return workflow_of_instance(deps, tenant, rel.name, named).model_dump()
    return None
