"""Previews of merges and of their undo, and the proof of what a merge has conserved."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from api.http.auth import Operator, Reader
from api.http.dependencies import Injected
from api.http.queries import KeyText
from api.http.requests import described
from api.routes.merges import MOST, MergeOrder, merge_order
from catalog.identity import SurvivorRule
from errors import Conflict
from facts import tokens
from messages.operation_reasons import describe_reason
from store.db.snapshot import expired, snapshot
from store.operations import merge_checks, merge_plans, merge_undo
from store.operations.merge_conflicts import Because
from store.operations.merge_plans import MergePlan
from store.operations.merge_undo import UndoPreview
from store.read import merges as listed
from store.write import merge_proof

router = APIRouter(tags=["merges"])


class MergedMember(BaseModel):
    """A record of the merged entity."""

    key: str
    state: Literal["unknown", "live", "deleted"]
    survivor: str = Field(description="The key that it stands for now; itself: it is not merged yet.")


class MovingLinks(BaseModel):
    """Links of one relationship whose parent is one of the keys."""

    relationship: str
    key: str
    links: int


class MovingActivity(BaseModel):
    """Activity that is recorded under one of the keys."""

    key: str
    items: int


class ConflictingMember(BaseModel):
    """A link of one of the merged records."""

    key: str = Field(description="The record that it was stated with.")
    other: str = Field(description="Its parent, or its child.")


class MergeConflict(BaseModel):
    """Links of which only one can be, or none."""

    relationship: str
    because: Because = Field(
        description="`one_parent`, `one_child`: only one can be. `self`: no entity is its own parent. "
        "`not_the_survivors`: only the survivor's own counts. `survivor_not_live`: it has no parent."
    )
    on_merge: str = Field(description="The rule that the relationship declares.")
    refused: bool = Field(description="Whether the merge is refused because of it.")
    kept: ConflictingMember | None
    set_aside: list[ConflictingMember]


class MergePreview(BaseModel):
    """What a merge would do now. Nothing was changed."""

    kind: str
    survivor: str = Field(description="The key that would remain.")
    rule: SurvivorRule = Field(description="`declared`: the one that is named; `smallest_key`: the smallest one.")
    members: list[MergedMember]
    links: list[MovingLinks] = Field(description="Links that would move to the survivor, by the key they have now.")
    activity: list[MovingActivity] = Field(description="Activity that the survivor would have too, by its key.")
    conflicts: list[MergeConflict]
    retired: list[str] = Field(description="Keys that their owner would be requested to retire.")
    command: str = Field(description="The command for that; empty: none is declared.")
    refused: list[str] = Field(description="Why the merge would be refused, one sentence each; empty: it would not.")
    forbidden: list[list[str]] = Field(
        description="The keys on the way between two that must never be merged, of each pair that would be joined."
    )
    token: str = Field(description="The revision of which the preview was made.")


class ChangedSurvivor(BaseModel):
    """A key that would stand for another entity."""

    key: str
    before: str
    after: str


class UndoneMerge(BaseModel):
    """What the undo of a merge would do now. Nothing was changed."""

    kind: str
    losers: list[str] = Field(description="Those whose merge would be undone.")
    changes: list[ChangedSurvivor]
    stay: list[str] = Field(description="Those that would stay merged with the survivor, by other merges.")
    joined: list[list[str]] = Field(description="Pairs that are set aside now, and would be merged.")
    links: list[MovingLinks] = Field(description="Links that would go back, by the key that they were stated with.")
    deleted: list[str] = Field(
        description="Keys that would be entities of their own again, and that their owner has deleted: links to them "
        "would be broken, and a `cascade` would begin for their children."
    )
    token: str = Field(description="The revision of which the preview was made.")


class ConservedCount(BaseModel):
    """How many items, and a hash that does not depend on their order."""

    count: int
    hash: str


class ConservedKey(BaseModel):
    """What belongs to one key, before and after; part → count."""

    key: str
    before: dict[str, ConservedCount]
    after: dict[str, ConservedCount]


class OwnLinkChange(BaseModel):
    """A link of a key as a child that is on one side only."""

    relationship: str
    child: str
    parent: str
    because: str = Field(description="The rule that explains it; empty: none does.")


class OwnLinksProof(BaseModel):
    """The links of the keys as children."""

    kept: int = Field(description="How many are on both sides.")
    set_aside: list[OwnLinkChange]
    restored: list[OwnLinkChange]


class MergeProofBody(BaseModel):
    """What a merge has conserved, key by key."""

    id: str
    conserved: bool | None = Field(
        description="Null: other facts were recorded with the merge of an owner, so its two sides cannot be compared."
    )
    lost: str = Field(description="What it did not conserve, as a sentence; empty: it conserved everything.")
    before: str = Field(description="Token of the revision before the merge.")
    after: str = Field(description="Token of the revision of the merge.")
    keys: list[ConservedKey]
    own_links: OwnLinksProof


@router.post(
    "/entities/{kind}/merges/plan", status_code=200, summary="Preview a merge", openapi_extra=described(MergeOrder)
)
async def plan(
    kind: str, who: Operator, body: Annotated[MergeOrder, Depends(merge_order)], deps: Injected
) -> MergePreview:
    """Which records would be one, which links would move or conflict, and why the merge would be refused."""
    found = await merge_plans.plan(deps.pool, deps.catalog, who.tenant, body.request(deps, kind))
    return _preview(who.tenant, kind, deps.catalog.contracts.merging[kind].survivor, found)


@router.get("/merges/{id}/undo", summary="Preview the undo of a merge")
async def preview_undo(
    id: KeyText,
    who: Reader,
    deps: Injected,
    only: Annotated[list[KeyText] | None, Query(max_length=MOST, description="Only these losers.")] = None,
) -> UndoneMerge:
    """Which keys would be entities of their own again, what would go back to them, and what would stay together."""
    found = await merge_undo.preview(deps.pool, deps.catalog, who.tenant, id, only or [])
    return _undone(who.tenant, found)


@router.get("/merges/{id}/proof", summary="Get the proof of a merge")
async def proof(id: KeyText, who: Reader, deps: Injected) -> MergeProofBody:
    """What belonged to each key before the merge and after it: counts, and hashes that do not depend on any order. Of a
    merge that an owner's fact says, it is counted now, as of the revisions around it."""
    async with snapshot(deps.pool, who.tenant) as at:
        row = await listed.find(at, id)
        if row.revision is None:
            raise Conflict(f"merge {id} has not been recorded, so there is nothing to prove; see operation {id}")
        found = row.proof
        if found is None:
            merge_checks.check_kind(deps.catalog, row.kind)
            if row.revision <= at.horizon:  # what was there before it is trimmed
                raise expired(who.tenant, at.horizon)
            keys = [row.survivor, *(pair["loser"] for pair in row.pairs)]
            found = (await merge_proof.prove(at, deps.catalog, row.kind, keys, row.revision)).to_json()
    before, after = found["revisions"]
    return MergeProofBody(
        id=id,
        conserved=not found["lost"] or (False if found["alone"] else None),
        lost=found["lost"] if found["alone"] else "",
        before=tokens.token(who.tenant, before),
        after=tokens.token(who.tenant, after),
        keys=found["keys"],
        own_links=found["own_links"],
    )


def _preview(tenant: str, kind: str, rule: SurvivorRule, found: MergePlan) -> MergePreview:
    return MergePreview(
        kind=kind,
        survivor=found.survivor,
        rule=rule,
        members=[MergedMember(**member._asdict()) for member in found.members],
        links=[MovingLinks(**moved._asdict()) for moved in found.moved],
        activity=[MovingActivity(**moved._asdict()) for moved in found.activity],
        conflicts=[
            MergeConflict(
                relationship=conflict.relationship.name,
                because=conflict.because,
                on_merge=conflict.relationship.on_merge.value,
                refused=conflict.refused,
                kept=None
                if conflict.kept is None
                else ConflictingMember(key=conflict.kept.key, other=conflict.kept.other),
                set_aside=[ConflictingMember(key=link.key, other=link.other) for link in conflict.set_aside],
            )
            for conflict in found.conflicts
        ],
        retired=found.retired,
        command=found.command,
        refused=[describe_reason(reason) for reason in found.refused],
        forbidden=[reason.details["path"] for reason in found.refused if reason.code == "pair_forbidden"],
        token=tokens.token(tenant, found.revision),
    )


def _undone(tenant: str, found: UndoPreview) -> UndoneMerge:
    return UndoneMerge(
        kind=found.merge.kind,
        losers=[*found.losers],
        changes=[ChangedSurvivor(key=key, before=was, after=now) for key, was, now in found.change.renamed],
        stay=[*found.stay],
        joined=[[*pair] for pair in found.joined],
        links=[MovingLinks(**moved._asdict()) for moved in found.links],
        deleted=[*found.deleted],
        token=tokens.token(tenant, found.revision),
    )
