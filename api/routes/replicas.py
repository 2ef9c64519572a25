"""`GET /v1/replicas…`: declared replicas, and single rows of them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Dependencies, Injected
from api.http.queries import AtRevision, KeyText, answer
from catalog.replica import Replica
from errors import Unknown
from facts import tokens
from store.read import entities, identities

router = APIRouter(tags=["replicas"])


class ReplicaBody(BaseModel):
    """A declared replica."""

    name: str = Field(examples=["shopping_customer"])
    of: str = Field(description="Kind of the entities that are copied.", examples=["user"])
    owner: str = Field(description="The owner of that kind.", examples=["users"])
    fields: list[str] = Field(description="The fields that are copied, and no others.", examples=[["name", "email"]])


class ReplicaResponse(ReplicaBody):
    """A declared replica, as of a revision."""

    token: str


class ReplicaList(BaseModel):
    """All declared replicas, as of a revision."""

    items: list[ReplicaBody]
    token: str


class ReplicaRowResponse(BaseModel):
    """One row of a replica, as of a revision."""

    replica: str
    requested: str = Field(description="The key of the request.", examples=["u1"])
    key: str = Field(description="The key of the entity: the survivor's, if the requested one is merged into it.")
    state: Literal["unknown", "live", "deleted"]
    data: dict[str, Any] = Field(description="The declared fields; empty unless the entity is live.")
    revision: str = Field(description="Token of the revision of the entity's last change, also of other fields.")
    token: str = Field(description="Token of the revision that the answer is as of.")


@router.get("/replicas", response_model=ReplicaList, summary="List replicas")
async def list_replicas(when: AtRevision, deps: Injected) -> Response:
    """All declared replicas by name, with their fields."""
    async with when.newest() as at:
        token = tokens.token(at.tenant, at.revision)
    items = [_declared(deps, replica) for _, replica in sorted(deps.catalog.replicas.items())]
    return answer({"items": items, "token": token})


@router.get("/replicas/{name}", response_model=ReplicaResponse, summary="Get a replica")
async def replica(name: str, when: AtRevision, deps: Injected) -> Response:
    """One declared replica, with its fields."""
    declared = _declared(deps, deps.catalog.replica(name))
    async with when.newest() as at:
        return answer({**declared, "token": tokens.token(at.tenant, at.revision)})


@router.get("/replicas/{name}/{key:key}", response_model=ReplicaRowResponse, summary="Read a row of a replica")
async def row(name: str, key: Annotated[KeyText, Path()], when: AtRevision, deps: Injected) -> Response:
    """The declared fields of one entity, at the newest revision or as of an older one."""
    declared = deps.catalog.replica(name)
    async with when.snapshot() as at:
        resolved = await identities.resolve(at, deps.catalog, declared.of, key)
        found = await entities.find_resolved(at, deps.catalog, declared.of, resolved)
    if found is None:
        owner = deps.catalog.owner_of(declared.of)
        raise Unknown(f"no {declared.of} {key!r}: {owner} has published no fact about it, and no fact refers to it")
    return answer(
        {
            "replica": name,
            "requested": key,
            "key": resolved.key,
            "state": found.state,
            "data": declared.reduced(found.data),
            "revision": tokens.token(at.tenant, found.revision),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def _declared(deps: Dependencies, replica: Replica) -> dict[str, Any]:
    return {
        "name": replica.name,
        "of": replica.of,
        "owner": deps.catalog.owner_of(replica.of),
        "fields": list(replica.fields),
    }
