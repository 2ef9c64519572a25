"""`GET /v1/replicas…`: declared replicas, and single rows of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Dependencies, Injected
from api.http.queries import AtRevision, FilterText, KeyText, ReadAt, answer
from api.routes.consumers import ConsumerLag
from catalog.replica import Replica
from errors import NotYet, Refused, Unknown
from facts import tokens
from store.consumers import registrations
from store.consumers.registrations import ConsumerRow, ConsumerState
from store.db import epochs
from store.db.snapshot import Snapshot, snapshot
from store.read import replica_rows
from tether.audits import canonical

router = APIRouter(tags=["replicas"])

Freshness: TypeAlias = Literal["latest", "stale"]


class ReplicaBody(BaseModel):
    """A declared replica."""

    name: str = Field(examples=["shopping_customer"])
    of: str = Field(description="Kind of the entities that are copied.", examples=["user"])
    owner: str = Field(description="The owner of that kind.", examples=["users"])
    fields: list[str] = Field(description="The fields that are copied, and no others.", examples=[["name", "email"]])
    declaration: str = Field(description="A digest of kind and fields: a copy by another one must be made again.")


class ReplicaResponse(ReplicaBody):
    """A declared replica, as of a revision."""

    token: str


class ReplicaList(BaseModel):
    """All declared replicas, as of a revision."""

    items: list[ReplicaBody]
    token: str


class CopyBody(BaseModel):
    """How far the copy of a consumer is from the newest revision."""

    consumer: str
    token: str = Field(description="The newest revision that the consumer has acknowledged as a whole.")
    state: ConsumerState
    lag: ConsumerLag
    differs: bool | None = Field(
        description="Whether its row differs from the newest one in a declared field. Null: that is not known, as "
        "its position has expired."
    )


class ReplicaRowResponse(BaseModel):
    """One row of a replica, as of a revision."""

    replica: str
    requested: str = Field(description="The key of the request.", examples=["u1"])
    key: str = Field(description="The key of the entity: the survivor's, if the requested one is merged into it.")
    freshness: Freshness
    state: Literal["unknown", "live", "deleted"] = Field(description="`unknown`: no fact about it is known by then.")
    data: dict[str, Any] = Field(description="The declared fields; empty unless the entity is live.")
    revision: str | None = Field(
        description="Token of the revision of the entity's last change, also of other fields; null: there is none."
    )
    token: str = Field(description="Token of the revision that the answer is as of.")
    latest: str = Field(description="Token of the newest revision.")
    copy_: CopyBody | None = Field(default=None, alias="copy", description="Only with `consumer`.")


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
async def row(
    name: str,
    key: Annotated[KeyText, Path()],
    when: AtRevision,
    deps: Injected,
    freshness: Annotated[
        Freshness,
        Query(
            description="`latest`: with all that is known, also what the copy has not read yet. `stale`: what the copy "
            "of `consumer` holds."
        ),
    ] = "latest",
    consumer: Annotated[
        FilterText | None,
        Query(description="Who keeps a copy: the answer says how far that is from the newest revision."),
    ] = None,
) -> Response:
    """The declared fields of one entity, and as of which revision they are.

    `stale` is as of the position that the consumer has acknowledged; with `at_least`, it waits for that.
    """
    declared = deps.catalog.replica(name)
    if freshness == "stale":
        await _wait_for_copy(deps, when, consumer)
    held = None if consumer is None else await _copy(deps, when.tenant, declared, consumer)
    async with _opened(deps, when, held if freshness == "stale" else None) as at:
        found = await replica_rows.find(at, deps.catalog, declared, key)
        newest = await replica_rows.find(replace(at, revision=at.head), deps.catalog, declared, key)
        if newest is None:
            owner = deps.catalog.owner_of(declared.of)
            raise Unknown(f"no {declared.of} {key!r}: {owner} has published no fact about it, and no fact refers to it")
        body: dict[str, Any] = {
            "replica": name,
            "requested": key,
            "key": key if found is None else found.key,
            "freshness": freshness,
            "state": "unknown" if found is None else found.state,
            "data": {} if found is None else found.data,
            "revision": None if found is None else tokens.token(at.tenant, found.revision),
            "token": tokens.token(at.tenant, at.revision),
            "latest": tokens.token(at.tenant, at.head),
        }
        if held is not None:
            body["copy"] = {**_shown(at.tenant, held), "differs": None}
            if held.state != "expired":
                copied = await replica_rows.find(replace(at, revision=_read_by(held)), deps.catalog, declared, key)
                body["copy"]["differs"] = canonical(copied and copied.copied) != canonical(newest.copied)
    return answer(body)


async def _wait_for_copy(deps: Dependencies, when: ReadAt, consumer: str | None) -> None:
    """Waits until a consumer has acknowledged what the caller has seen. Raises Refused, NotYet, Unknown."""
    if consumer is None:
        raise Refused("`stale` is what the copy of a consumer holds; name it with `consumer`")
    if when.as_of is not None:
        raise Refused("`stale` is as of the position of the consumer; leave as_of out")
    seconds = min(when.wait, deps.settings.limits.wait)
    if when.at_least and not await deps.acknowledged.reach(when.tenant, consumer, when.at_least, seconds):
        raise NotYet(
            f"the consumer {consumer!r} has not acknowledged the revision of at_least; try again, or read the latest"
        )


async def _copy(deps: Dependencies, tenant: str, replica: Replica, consumer: str) -> ConsumerRow:
    """The consumer, whose filter must be that of the replica or a wider one. Raises Refused, Unknown."""
    found = await registrations.find(deps.pool, tenant, consumer)
    if narrowing := [name for name in ("parent", "filters") if name in found.filter]:
        raise Refused(
            f"the filter of the consumer {consumer!r} has {' and '.join(narrowing)}, which leave out changes of rows: "
            f"what its copy holds is not known here; register it with {{'replica': {replica.name!r}}} alone"
        )
    chosen = {name: found.filter[name] for name in ("relationship", "kind", "replica") if name in found.filter}
    if chosen not in ({}, {"replica": replica.name}, {"kind": replica.of}):
        raise Refused(f"the consumer {consumer!r} copies {chosen}, and not {replica.name}; name one that does")
    return found


@asynccontextmanager
async def _opened(deps: Dependencies, when: ReadAt, held: ConsumerRow | None) -> AsyncIterator[Snapshot]:
    """Opens a snapshot as of a consumer's position, or as of what the caller wants. Raises Expired."""
    if held is None:
        async with when.snapshot() as at:
            yield at
        return
    async with snapshot(deps.pool, when.tenant, _read_by(held)) as at:
        at.check_epoch(held.position_revision)
        await epochs.check_kept(at, when.at_least)
        yield at


def _read_by(held: ConsumerRow) -> int:
    """The newest revision that a consumer has acknowledged as a whole."""
    return max(held.position_revision - 1, 0)


def _shown(tenant: str, held: ConsumerRow) -> dict[str, Any]:
    return {
        "consumer": held.name,
        "token": tokens.token(tenant, _read_by(held)),
        "state": held.state,
        "lag": {"revisions": held.lag_revisions, "seconds": held.lag_seconds},
    }


def _declared(deps: Dependencies, replica: Replica) -> dict[str, Any]:
    return {
        "name": replica.name,
        "of": replica.of,
        "owner": deps.catalog.owner_of(replica.of),
        "fields": list(replica.fields),
        "declaration": replica.declaration,
    }
