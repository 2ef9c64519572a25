"""`/v1/consumers/{name}/deliveries`: what a receiver has not accepted, and what operators do about it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.http.auth import ConsumerName, Operator, Reader
from api.http.dependencies import Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.requests import described, read
from api.routes.webhooks import WebhookBody, describe
from catalog import limits
from errors import Refused
from facts import tokens
from store.consumers.offsets import BEGINNING
from store.deliveries import commands, webhooks
from store.deliveries.runs import AttemptOutcome, ItemState

router = APIRouter(tags=["deliveries"])

ItemId = Annotated[str, Field(min_length=1, max_length=limits.OFFSET, pattern="^[!-~]+$")]


class UndeliveredItem(BaseModel):
    """An item that the receiver has not accepted. `GET /v1/feed` has its content."""

    item: str = Field(description="Its id.")
    subject: str
    state: ItemState = Field(
        description="`failing`: retried when it is due. `behind`: an earlier item of its subject is not delivered. "
        "`parked`: it has failed as often as it is tried. `resend`: to be delivered once more."
    )
    failures: int
    due: datetime | None = Field(description="The next attempt.")
    failed_at: datetime | None
    status: int | None = Field(description="The receiver's last answer to it alone; null: it gave none.")
    words: str = Field(description="The receiver's words, or why it gave no answer.")


class UndeliveredPage(BaseModel):
    """A page of items, in the order of the feed."""

    items: list[UndeliveredItem]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


class DeliveryAttempt(BaseModel):
    """One request to the receiver."""

    number: int
    at: datetime
    first_item: str = Field(description="Id of its first item; empty for a request for consent.")
    last_item: str = Field(description="Id of its last item, which is the `webhook-id`.")
    items: int
    outcome: AttemptOutcome
    status: int | None
    words: str
    milliseconds: int


class DeliveryAttempts(BaseModel):
    """The last requests to the receiver, the newest first."""

    items: list[DeliveryAttempt]


class ItemsChosen(BaseModel):
    """Which items."""

    model_config = ConfigDict(extra="forbid")

    items: list[ItemId] | None = Field(
        default=None, min_length=1, max_length=1_000, description="Their ids. Default: all that are parked."
    )


class ItemToResend(BaseModel):
    """Which item."""

    model_config = ConfigDict(extra="forbid")

    item: ItemId = Field(description="Its id.")


class ReplayStart(BaseModel):
    """From where to deliver everything again: one of both."""

    model_config = ConfigDict(extra="forbid")

    offset: ItemId | None = Field(default=None, description="What follows this offset; `-1`: everything.")
    since: AwareDatetime | None = Field(default=None, description="What was written at this time or later.")


class ItemsChanged(BaseModel):
    """How many items are concerned."""

    items: int


async def items_chosen(request: Request) -> ItemsChosen:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, ItemsChosen, limit=1024 * 1024, empty=ItemsChosen())


async def item_to_resend(request: Request) -> ItemToResend:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, ItemToResend)


async def replay_start(request: Request) -> ReplayStart:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, ReplayStart)


@router.get("/consumers/{name}/deliveries", summary="List what a receiver has not accepted")
async def undelivered(
    name: ConsumerName, who: Reader, deps: Injected, limit: Limit, cursor: Cursor = None
) -> UndeliveredPage:
    """Items before the consumer's position that are retried, parked, or behind one of these."""
    listing = Listing(who.tenant, "deliveries", name)
    after = listing.place(cursor, (str,)) or [""]
    found = await commands.page(deps.pool, who.tenant, name, after[0], limit + 1)
    last = found[limit - 1].item if len(found) > limit else None
    return UndeliveredPage(
        items=[UndeliveredItem(**row._asdict()) for row in found[:limit]],
        next=listing.next(None if last is None else [last]),
    )


@router.get("/consumers/{name}/attempts", summary="List the last requests to a receiver")
async def attempts(name: ConsumerName, who: Reader, deps: Injected) -> DeliveryAttempts:
    """With its answers, the newest first."""
    found = await commands.attempts(deps.pool, who.tenant, name)
    return DeliveryAttempts(items=[DeliveryAttempt(**row._asdict()) for row in found])


@router.post(
    "/consumers/{name}/deliveries/{action}",
    summary="Redrive or discard items",
    openapi_extra=described(ItemsChosen, required=False),
)
async def change(
    name: ConsumerName,
    action: Literal["redrive", "discard"],
    who: Operator,
    body: Annotated[ItemsChosen, Depends(items_chosen)],
    deps: Injected,
) -> ItemsChanged:
    """`redrive`: they are tried again at once, from the first attempt on. `discard`: they are dropped for good, and the
    items behind them follow."""
    act = commands.redrive if action == "redrive" else commands.discard
    return ItemsChanged(items=await act(deps.pool, who.tenant, name, body.items))


@router.post(
    "/consumers/{name}/resends", status_code=202, summary="Resend an item", openapi_extra=described(ItemToResend)
)
async def resend(
    name: ConsumerName, who: Operator, body: Annotated[ItemToResend, Depends(item_to_resend)], deps: Injected
) -> ItemsChanged:
    """Delivers one item once more, by the same id, beside what follows the position."""
    await commands.resend(deps.pool, who.tenant, name, body.item)
    return ItemsChanged(items=1)


@router.post(
    "/consumers/{name}/replays",
    status_code=202,
    summary="Deliver everything since a time or an offset again",
    openapi_extra=described(ReplayStart),
)
async def replay(
    name: ConsumerName, who: Operator, body: Annotated[ReplayStart, Depends(replay_start)], deps: Injected
) -> WebhookBody:
    """Sets the consumer's position back, in a new generation. Messages have the same ids as the first time."""
    if (body.offset is None) == (body.since is None):
        raise Refused("a replay begins at `offset` or at the time `since`; give one of both")
    await webhooks.find(deps.pool, who.tenant, name)
    offset = body.offset
    if body.since is not None:
        revision = await commands.revision_at(deps.pool, who.tenant, body.since)
        offset = tokens.token(who.tenant, revision) if revision else BEGINNING
    await commands.replay(deps.pool, who.tenant, name, who.name, offset)
    return describe(await webhooks.find(deps.pool, who.tenant, name))


@router.post("/consumers/{name}/webhook/enable", summary="Enable the deliveries of a consumer")
async def enable(name: ConsumerName, who: Operator, deps: Injected) -> WebhookBody:
    """Deliveries begin again at once, where they stopped; also where the next attempt would be hours away."""
    return describe(await webhooks.enable(deps.pool, who.tenant, name))
