"""`/v1/consumers`: who follows the feed by name, and how far each has acknowledged it."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import ConsumerName, Holder, Operator, Reader
from api.http.dependencies import Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import FilterText
from api.http.requests import described, read
from catalog import limits
from facts import tokens
from store.consumers import acknowledgements, offsets, registrations
from store.consumers.registrations import ConsumerRow, ConsumerState, Registration
from store.read.feed_query import query_for

router = APIRouter(tags=["consumers"])

OffsetText = Annotated[str, Field(min_length=1, max_length=limits.OFFSET, pattern=r"^[^\x00]+$")]


class ConsumerFilter(BaseModel):
    """Which changes it reads: the query parameters of `GET /v1/feed` with the same names."""

    model_config = ConfigDict(extra="forbid")

    relationship: FilterText | None = None
    kind: FilterText | None = None
    parent: FilterText | None = None
    replica: FilterText | None = None
    filters: FilterText | list[dict[str, Any]] | None = Field(
        default=None,
        description="JSON, or a text that holds it as in a URL.",
        examples=[[{"exact": {"type": "Linked"}}]],
    )
    changes: Literal["only"] | None = None

    def parameters(self) -> dict[str, Any]:
        """Returns the query parameters of the feed."""
        given = self.model_dump(exclude_none=True)
        if isinstance(self.filters, list):
            given["filters"] = json.dumps(self.filters, ensure_ascii=False, separators=(",", ":"))
        return given


class NewConsumer(BaseModel):
    """What is said of a consumer."""

    model_config = ConfigDict(extra="forbid")

    filter: ConsumerFilter = ConsumerFilter()
    offset: OffsetText | None = Field(
        default=None,
        description="Where it starts: `-1` (the first change), `now`, or an offset, such as that of a snapshot. "
        "Default: `-1` for a new consumer; one that is registered stays where it is.",
        examples=["-1"],
    )
    at_risk_seconds: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="It is at risk when what it has to read next is older than this. Default: a day, but at most half "
        "of the age at which it would expire.",
    )
    note: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$", description="For people: who it is.")


class NewAcknowledgement(BaseModel):
    """How far the holder of a consumer has processed the feed."""

    model_config = ConfigDict(extra="forbid")

    offset: OffsetText = Field(description="Everything up to this offset has been processed. A token will do.")
    generation: int = Field(ge=1, lt=2**62, description="The holder's generation.")


class NewGeneration(BaseModel):
    """Who takes a consumer over, and where it goes on."""

    model_config = ConfigDict(extra="forbid")

    holder: str = Field(
        default="",
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="For people: the process that takes it over. Default: the name of the API key.",
        examples=["shopping-7f9c"],
    )
    offset: OffsetText | None = Field(
        default=None, description="Where it goes on, also further back: `-1`, `now`, an offset. Default: where it is."
    )


class ConsumerLag(BaseModel):
    """How far a consumer is behind. Its filter makes no difference."""

    revisions: int | None = Field(description="After its position. Null: the database was restored in between.")
    seconds: float = Field(description="Age of the oldest of them, by the clock of the database; 0 if there is none.")


class ConsumerBody(BaseModel):
    """A consumer."""

    name: str
    filter: dict[str, Any]
    offset: str = Field(description="Its position: the offset up to which it has acknowledged.")
    token: str = Field(description="The newest revision that it has acknowledged as a whole.")
    starts_at: str = Field(description="The `offset` of its registration.")
    generation: int = Field(description="Acknowledgements must name it.")
    holder: str = Field(description="Who began the generation.")
    generation_at: datetime
    state: ConsumerState = Field(
        description="`current`: nothing is after its position. `at-risk`: it is behind by more than `at_risk_seconds`. "
        "`expired`: what it has to read next is not there any more; read a snapshot and take it over at its offset."
    )
    lag: ConsumerLag
    at_risk_seconds: int
    note: str
    actor: str = Field(description="The name of the API key that registered it.")
    created_at: datetime
    acknowledged_at: datetime | None


class ConsumerPage(BaseModel):
    """A page of consumers, by name."""

    items: list[ConsumerBody]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


class Acknowledged(BaseModel):
    """Where a consumer is."""

    name: str
    generation: int
    offset: str = Field(description="Its position: a later one than that of the request if it was acknowledged before.")


async def new_consumer(request: Request) -> NewConsumer:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewConsumer, empty=NewConsumer())


async def new_acknowledgement(request: Request) -> NewAcknowledgement:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewAcknowledgement)


async def new_generation(request: Request) -> NewGeneration:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewGeneration, empty=NewGeneration())


@router.put(
    "/consumers/{name}",
    summary="Register a consumer",
    openapi_extra=described(NewConsumer, required=False),
    responses={201: {"model": ConsumerBody, "description": "It is new."}},
)
async def register(
    name: ConsumerName,
    who: Operator,
    body: Annotated[NewConsumer, Depends(new_consumer)],
    deps: Injected,
    response: Response,
) -> ConsumerBody:
    """Registers it, or changes what is said of it. Repeating the request has no effect.

    Of one that is registered: another `offset` than that of the registration before starts it again there, in a new
    generation. Another filter begins a new generation where it is.
    """
    given = body.filter.parameters()
    query_for(deps.catalog, **given)  # raises for what is not declared, or has no meaning
    at_risk = body.at_risk_seconds or max(1, int(deps.settings.retention.at_risk.total_seconds()))
    wanted = Registration(given, body.offset, at_risk, body.note)
    found = await registrations.register(deps.pool, who.tenant, name, wanted, who.name)
    if found.created:
        response.status_code = 201
        response.headers["Location"] = f"/v1/consumers/{name}"
    return describe(found.consumer)


@router.get("/consumers", summary="List consumers")
async def list_consumers(who: Reader, deps: Injected, limit: Limit, cursor: Cursor = None) -> ConsumerPage:
    """By name, each with its lag and state."""
    listing = Listing(who.tenant, "consumers")
    after = listing.place(cursor, (str,)) or [""]
    found = await registrations.page(deps.pool, who.tenant, after[0], limit + 1)
    last = found[limit - 1].name if len(found) > limit else None
    return ConsumerPage(
        items=[describe(row) for row in found[:limit]], next=listing.next(None if last is None else [last])
    )


@router.get("/consumers/{name}", summary="Get a consumer")
async def consumer(name: ConsumerName, who: Reader, deps: Injected) -> ConsumerBody:
    """Its position, lag and state."""
    return describe(await registrations.find(deps.pool, who.tenant, name))


@router.delete("/consumers/{name}", status_code=204, summary="Delete a consumer")
async def delete(name: ConsumerName, who: Operator, deps: Injected) -> None:
    """Nothing is kept for it any longer. Its holder's next acknowledgement is refused."""
    await registrations.delete(deps.pool, who.tenant, name)


@router.post(
    "/consumers/{name}/acknowledgements",
    summary="Acknowledge the feed",
    openapi_extra=described(NewAcknowledgement),
)
async def acknowledge(
    name: ConsumerName, who: Holder, body: Annotated[NewAcknowledgement, Depends(new_acknowledgement)], deps: Injected
) -> Acknowledged:
    """Moves its position forward. One that was acknowledged before, or an earlier one, has no effect.

    Refused with `fenced` if another holder has taken the consumer over: it names the new generation.
    """
    offset = offsets.read(who.tenant, body.offset)
    position = await acknowledgements.acknowledge(deps.pool, who.tenant, name, body.generation, offset)
    return Acknowledged(name=name, generation=body.generation, offset=position)


@router.post(
    "/consumers/{name}/generations",
    status_code=201,
    summary="Take a consumer over",
    openapi_extra=described(NewGeneration, required=False),
)
async def begin_generation(
    name: ConsumerName,
    who: Holder,
    body: Annotated[NewGeneration, Depends(new_generation)],
    deps: Injected,
    response: Response,
) -> ConsumerBody:
    """A process does it when it starts. Acknowledgements of all earlier generations are refused from now on.

    With `offset`, the only way by which a position goes back: to read again, or to go on after a snapshot.
    """
    holder = body.holder or who.name
    found = await registrations.begin_generation(deps.pool, who.tenant, name, holder, body.offset)
    response.headers["Location"] = f"/v1/consumers/{name}"
    return describe(found)


def describe(row: ConsumerRow) -> ConsumerBody:
    """Returns the body of a consumer."""
    return ConsumerBody(
        name=row.name,
        filter=row.filter,
        offset=row.position,
        token=tokens.token(row.tenant, max(row.position_revision - 1, 0)),
        starts_at=row.starts_at,
        generation=row.generation,
        holder=row.holder,
        generation_at=row.generation_at,
        state=row.state,
        lag=ConsumerLag(revisions=row.lag_revisions, seconds=round(row.lag_seconds, 3)),
        at_risk_seconds=row.at_risk_seconds,
        note=row.note,
        actor=row.actor,
        created_at=row.created_at,
        acknowledged_at=row.acknowledged_at,
    )
