"""`GET /v1/entities/{kind}/{key}`: one entity as of a revision."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Injected
from api.http.queries import AtRevision, KeyText, answer
from api.routes import activity, entity_facts
from errors import Unknown
from facts import tokens
from store.read import entities, identities

router = APIRouter(tags=["entities"])
for after_a_key in (activity, entity_facts):  # first: a key takes all that is left of a path
    router.include_router(after_a_key.router)


class EntityResponse(BaseModel):
    """An entity as of one revision."""

    kind: str = Field(examples=["item"])
    requested: str = Field(description="The key of the request.", examples=["i7"])
    key: str = Field(description="The key of the entity: the survivor's, if the requested one is merged into it.")
    replaced_by: str | None = Field(description="The survivor that the requested key is merged into; null: it is not.")
    replaces: list[str] = Field(description="The keys that are merged into the entity, by their bytes.")
    state: Literal["unknown", "live", "deleted"] = Field(description="`unknown`: only referred to by other facts.")
    incarnation: str = Field(description="Identifies one life of the key; it changes when the entity is created again.")
    sequence: str | None = Field(description="Sequence of its newest fact, also if that changed nothing.")
    data: dict[str, Any] = Field(
        description="The newest value of each field; empty unless the entity is live. Of a merged entity: those of "
        "all its records, each by the rule that its kind declares."
    )
    origins: dict[str, list[str]] = Field(
        description="Of a merged entity: field → the keys of the records that its value comes from. Else empty."
    )
    references: dict[str, str] = Field(
        description="Relationship → key of the parent that it is linked to.", examples=[{"category_item": "c1"}]
    )
    revision: str = Field(description="Token of the revision of its last change.")
    token: str = Field(description="Token of the revision that the answer is as of.")


@router.get("/entities/{kind}/{key:key}", response_model=EntityResponse, summary="Get an entity")
async def entity(kind: str, key: Annotated[KeyText, Path()], when: AtRevision, deps: Injected) -> Response:
    """Its state, its fields and its parents, at the newest revision or as of an older one.

    A key that was merged into another one stands for that entity: see `requested`, `key` and `replaced_by`.
    """
    owner = deps.catalog.owner_of(kind)
    if kind in deps.catalog.contracts.feeds:
        raise Unknown(f"{kind} {key!r} has no state, since {kind!r} is a feed: list the activity of what it is about")
    async with when.snapshot() as at:
        resolved = await identities.resolve(at, deps.catalog, kind, key)
        found = await entities.find_resolved(at, deps.catalog, kind, resolved)
    if found is None:
        raise Unknown(f"no {kind} {key!r}: {owner} has published no fact about it, and no fact refers to it")
    return answer(
        {
            "kind": kind,
            "requested": key,
            "key": resolved.key,
            "replaced_by": resolved.key if resolved.merged else None,
            "replaces": list(resolved.losers),
            **found._asdict(),
            "revision": tokens.token(at.tenant, found.revision),
            "token": tokens.token(at.tenant, at.revision),
        }
    )
