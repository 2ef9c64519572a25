"""`/v1/entities/{kind}/forbidden-merges`: pairs of records that must never be merged."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.auth import Operator
from api.http.dependencies import Dependencies, Injected
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, KeyText, NewKey
from api.http.requests import described, read
from api.routes.merges import ReasonText
from errors import Conflict
from facts import tokens
from store.operations import forbidden_merges, merge_checks

router = APIRouter(tags=["merges"])


class ForbiddenKeys(BaseModel):
    """Two records of different entities; neither needs to exist yet."""

    model_config = ConfigDict(extra="forbid")

    one: NewKey = Field(examples=["p1"])
    other: NewKey = Field(examples=["p4"])
    reason: ReasonText = ""

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        if self.one == self.other:
            raise ValueError(f"{self.one!r} is both `one` and `other`; name two different keys")
        return self


class PairChanged(BaseModel):
    """What holds for a pair from now on."""

    kind: str
    one: str
    other: str
    forbidden: bool
    token: str = Field(description="Names the revision that shows it; pass it as `at_least` to read your own write.")


class ForbiddenPairBody(BaseModel):
    """A pair that must never be merged."""

    one: str
    other: str
    reason: str
    source: str = Field(description="Source of the fact that forbids it; `/tether`: through the API.")
    fact: str = Field(description="Id of that fact.")
    since: datetime


class ForbiddenPage(Page):
    """A page of pairs, by key."""

    items: list[ForbiddenPairBody]


async def forbidden_keys(request: Request) -> ForbiddenKeys:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, ForbiddenKeys)


def _in_form(deps: Dependencies, kind: str, body: ForbiddenKeys) -> tuple[str, str]:
    """Both keys in normal form. Raises Conflict if they are one key in two spellings."""
    one, other = deps.key(kind, body.one), deps.key(kind, body.other)
    if one == other:
        raise Conflict(f"{body.one!r} and {body.other!r} are spellings of one key; name two different ones")
    return one, other


@router.post("/entities/{kind}/forbidden-merges", summary="Forbid a merge", openapi_extra=described(ForbiddenKeys))
async def forbid(
    kind: str, who: Operator, body: Annotated[ForbiddenKeys, Depends(forbidden_keys)], deps: Injected
) -> PairChanged:
    """The two are never merged, by whatever chain, until it is allowed again. Refused if they are merged now. Repeating
    the request has no effect."""
    one, other = _in_form(deps, kind, body)
    revision = await forbidden_merges.forbid(
        deps.pool, deps.catalog, who.tenant, kind, one, other, reason=body.reason, actor=who.name
    )
    token = tokens.token(who.tenant, revision)
    return PairChanged(kind=kind, one=one, other=other, forbidden=True, token=token)


@router.delete(
    "/entities/{kind}/forbidden-merges", summary="Allow a merge again", openapi_extra=described(ForbiddenKeys)
)
async def allow(
    kind: str, who: Operator, body: Annotated[ForbiddenKeys, Depends(forbidden_keys)], deps: Injected
) -> PairChanged:
    """The two may be merged again. Merges that owners have said and that were set aside because of it take effect."""
    one, other = _in_form(deps, kind, body)
    revision = await forbidden_merges.allow(
        deps.pool, deps.catalog, who.tenant, kind, one, other, reason=body.reason, actor=who.name
    )
    token = tokens.token(who.tenant, revision)
    return PairChanged(kind=kind, one=one, other=other, forbidden=False, token=token)


@router.get("/entities/{kind}/forbidden-merges", summary="List forbidden merges")
async def list_forbidden(
    kind: str,
    when: AtRevision,
    deps: Injected,
    limit: Limit,
    key: Annotated[KeyText | None, Query(description="Only pairs with this key.")] = None,
    cursor: Cursor = None,
) -> ForbiddenPage:
    """The pairs of a kind that must never be merged, by key."""
    merge_checks.check_kind(deps.catalog, kind)
    listing = Listing(when.tenant, "forbidden", kind, key)
    place = listing.place(cursor, (str, str)) or ("", "")
    async with when.newest() as at:
        found = await forbidden_merges.page(at, kind, key and deps.key(kind, key), (place[0], place[1]), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return ForbiddenPage(
        items=[
            ForbiddenPairBody(
                one=row.one, other=row.other, reason=row.reason, source=row.source, fact=row.id, since=row.received
            )
            for row in found[:limit]
        ],
        next=listing.next(None if last is None else (last.one, last.other)),
        token=tokens.token(at.tenant, at.revision),
    )
