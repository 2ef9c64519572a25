"""`/v1/entities/{kind}/{key}/erasure` and `/v1/erasures/{id}`: the erasure of one entity's data, its plan, and the
certificate of what was erased where."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Administrator
from api.http.dependencies import Dependencies, Injected
from api.http.queries import KeyText
from api.http.requests import IdempotencyKey, described, read
from facts import tokens
from store.db.pool import connection
from store.erasure import preview, requests
from store.erasure.requests import ErasureRow, ErasureState, OwnerState

router = APIRouter(tags=["erasures"])

OUTSIDE = [
    "backups and the write-ahead log of PostgreSQL, until they are recycled",
    "free space in the files of tables, until it is used again, unless they were rewritten",
    "histories of workflows in Temporal, until their retention ends: facts that services signalled to a workflow",
    "logs of Tether and of PostgreSQL",
    "what the owner and consumers keep, unless they follow",
    "keys, ids and sources of facts, which name entities",
]
"""What Tether cannot empty, or keeps on purpose. ``docs/erasure.md`` says more."""


class ErasureOrder(BaseModel):
    """Why an entity is erased; no body is needed."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        "", max_length=500, pattern=r"^[^\x00]*$", description="For people, without personal data: it is kept."
    )
    rewrite: bool = Field(
        False,
        description="Whether the files of the tables are written again, so that no byte of the data is left in them. "
        "While a table is, nothing else can use it: seconds for each gigabyte.",
    )


class ErasurePlan(BaseModel):
    """What would be erased, and who would be requested to follow."""

    kind: str
    key: str
    rows: dict[str, int] = Field(description="Rows that hold data of the entity, by table.")
    merged_with: list[str] = Field(
        description="Other keys of the same entity. Their data stays; each is erased on its own."
    )
    owner: str = Field(description="The owner of the kind.")
    command: str | None = Field(description="What the owner would be sent; null: it declares no command that erases.")
    replicas: list[str] = Field(description="Declared copies of the kind: the feed says what to erase.")
    outside: list[str] = Field(description="What Tether cannot erase, or keeps.")


class ErasedAtOwner(BaseModel):
    """The request to the owner."""

    name: str
    command: str
    state: OwnerState = Field(description="`missing`: the owner knows no such entity.")
    error: str = Field(description="The status with which it refused; not its words, which may repeat data.")
    at: datetime | None = Field(description="When it replied.")


class ConsumerToFollow(BaseModel):
    """A registered consumer that has not acknowledged the erasure yet."""

    name: str
    replica: str | None


class ErasureCertificate(BaseModel):
    """What was erased where, when, and by whom."""

    id: str
    kind: str
    key: str
    state: ErasureState = Field(
        description="`requested`; `erased`: no read finds the data any more; `done`: nothing is left to do."
    )
    reason: str
    actor: str = Field(description="Name of the API key that requested it.")
    requested: datetime
    erased: datetime | None = Field(description="When no read found the data any more.")
    token: str | None = Field(description="The revision of its fact `EntityErased`; facts after it are not erased.")
    rows: dict[str, int] = Field(description="Rows that were emptied, by table.")
    owner: ErasedAtOwner | None = Field(description="null: the owner declares no command that erases.")
    replicas: list[str]
    consumers: list[ConsumerToFollow] = Field(
        description="Registered consumers that have not acknowledged the feed up to it yet, at most a hundred."
    )
    rewrite: bool = Field(description="Whether the files of the tables are written again.")
    vacuumed: datetime | None = Field(
        description="When the former versions of the rows were removed; null: sessions from before may read them."
    )
    ended: datetime | None
    outside: list[str]


async def erasure_order(request: Request) -> ErasureOrder:
    """Reads the body, which is optional. Raises RequestValidationError, TooLarge."""
    return await read(request, ErasureOrder, empty=ErasureOrder(reason="", rewrite=False))


@router.post(
    "/entities/{kind}/{key:key}/erasure",
    status_code=202,
    summary="Erase the data of an entity",
    openapi_extra=described(ErasureOrder, required=False),
)
async def erase(
    kind: str,
    key: Annotated[KeyText, Path()],
    who: Administrator,
    body: Annotated[ErasureOrder, Depends(erasure_order)],
    deps: Injected,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> ErasureCertificate:
    """Empties the data of one entity wherever Tether keeps it: facts, also of its activity, versions, quarantined
    events, request bodies. Keys, order and links stay, so that nothing else changes. It cannot be undone.

    Of merged records only the one with this key is erased. The owner is requested to follow if it declares a command
    for that; consumers follow the feed. Facts that arrive later are recorded as ever.
    """
    row = await requests.request(
        deps.pool,
        deps.catalog,
        who.tenant,
        kind,
        deps.key(kind, key),
        reason=body.reason,
        rewrite=body.rewrite,
        actor=who.name,
        idempotency_key=idempotency_key,
    )
    response.headers["location"] = f"/v1/erasures/{row.id}"
    return await _certificate(deps, row)


@router.get("/entities/{kind}/{key:key}/erasure", summary="Plan an erasure")
async def plan(kind: str, key: Annotated[KeyText, Path()], who: Administrator, deps: Injected) -> ErasurePlan:
    """Counts what an erasure would empty, and names who would be requested to follow. Changes nothing."""
    found = await preview.preview(deps.pool, deps.catalog, who.tenant, kind, deps.key(kind, key))
    return ErasurePlan(
        kind=kind,
        key=key,
        rows=found.rows,
        merged_with=found.merged_with,
        owner=found.owner,
        command=found.command,
        replicas=found.replicas,
        outside=OUTSIDE,
    )


@router.get("/erasures/{id}", summary="Get the certificate of an erasure")
async def show(id: KeyText, who: Administrator, deps: Injected) -> ErasureCertificate:
    """What was erased where, and what is still under way."""
    async with connection(deps.pool) as conn:
        row = await requests.find(conn, who.tenant, id)
    return await _certificate(deps, row)


async def _certificate(deps: Dependencies, row: ErasureRow) -> ErasureCertificate:
    behind: list[preview.ConsumerBehind] = []
    if row.revision is not None:
        async with connection(deps.pool) as conn:
            behind = await preview.behind(conn, row.tenant, row.revision)
    owner = None
    if row.owner is not None and row.command is not None:
        owner = ErasedAtOwner(
            name=row.owner, command=row.command, state=row.owner_state, error=row.owner_error, at=row.owner_at
        )
    return ErasureCertificate(
        id=row.id,
        kind=row.kind,
        key=row.key,
        state=row.state,
        reason=row.reason,
        actor=row.actor,
        requested=row.requested_at,
        erased=row.erased_at,
        token=None if row.revision is None else tokens.token(row.tenant, row.revision),
        rows=dict(sorted(row.rows.items())),
        owner=owner,
        replicas=preview.replicas_of(deps.catalog, row.kind),
        consumers=[ConsumerToFollow(name=one.name, replica=one.replica) for one in behind],
        rewrite=row.rewrite,
        vacuumed=row.vacuumed_at,
        ended=row.ended_at,
        outside=OUTSIDE,
    )
