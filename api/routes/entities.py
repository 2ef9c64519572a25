"""Entities: what is known of one, and as of when."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Has
from api.http.queries import AtRevision, Key, answer
from errors import Unknown
from store.db import tokens
from store.read import entities

router = APIRouter(tags=["entities"])


class Entity(BaseModel):
    """One entity, at one revision."""

    kind: str = Field(examples=["item"])
    key: str = Field(examples=["i7"])
    state: Literal["unknown", "live", "deleted"] = Field(description="`unknown`: referred to, and never told of.")
    incarnation: str = Field(description="Names one life of this key: another one after it ended and began anew.")
    sequence: str | None = Field(description="That of its newest fact, one that changed nothing included.")
    data: dict[str, Any] = Field(description="Field by field the newest value; empty unless it is live.")
    references: dict[str, str] = Field(
        description="Relationship → key of the parent it is linked to.", examples=[{"category_item": "c1"}]
    )
    revision: str = Field(description="Token of the revision at which it became so.")
    token: str = Field(description="Token of the revision that this answer is as of.")


@router.get("/entities/{kind}/{key:path}", response_model=Entity, summary="What is known of an entity")
async def entity(kind: str, key: Annotated[Key, Path()], when: AtRevision, has: Has) -> Response:
    """Its state, its fields and what it refers to, at the newest revision or at one that you name."""
    owner = has.catalog.owner_of(kind)
    async with when.snapshot() as at:
        found = await entities.find(at, has.catalog, kind, key)
    if found is None:
        raise Unknown(f"no {kind} {key!r}: neither has {owner} told of it nor does anything refer to it")
    return answer(
        {
            "kind": kind,
            "key": key,
            **found._asdict(),
            "revision": tokens.token(at.tenant, found.revision),
            "token": tokens.token(at.tenant, at.revision),
        }
    )
