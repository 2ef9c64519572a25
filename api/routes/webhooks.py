"""`/v1/consumers/{name}/webhook`: where the feed is delivered to for a consumer."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import ConsumerName, Operator, Reader
from api.http.dependencies import Injected
from api.http.requests import described, read
from gateways import webhook_signatures, webhook_targets
from gateways.webhook_targets import AllowList
from store.deliveries import webhooks
from store.deliveries.webhooks import WebhookRow, WebhookState

router = APIRouter(tags=["deliveries"])

DAY = 24 * 3600
SecretText = Annotated[
    str,
    Field(
        max_length=200,
        description="`whsec_` and the base64 of 24 to 64 bytes. Default: one is made, and shown in this answer alone.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ),
]


class NewWebhook(BaseModel):
    """Where to deliver to, and how."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=webhook_targets.LONGEST,
        description="`https`, at a public address, unless the configuration allows its host.",
        examples=["https://shop.example/tether"],
    )
    secret: SecretText | None = None
    batch: int = Field(default=100, ge=1, le=1_000, description="Items in one message, at most.")
    consent: bool = Field(
        default=True,
        description="Whether the receiver must consent first, by an `OPTIONS` request as CloudEvents' web hooks say.",
    )


class NewSecret(BaseModel):
    """A rotation of the secret."""

    model_config = ConfigDict(extra="forbid")

    secret: SecretText | None = None
    grace_seconds: int = Field(
        default=DAY, ge=0, le=30 * DAY, description="For how long messages carry the signature of the former one, too."
    )


class WebhookBody(BaseModel):
    """Where the feed is delivered to, and how that goes. It never shows a secret."""

    consumer: str
    url: str
    batch: int
    state: WebhookState
    reason: str = Field(description="Why it is disabled, or why the last attempt failed.")
    consented: bool = Field(description="The receiver has consented, or did not have to.")
    failures: int = Field(description="Attempts in a row at which the receiver failed at everything.")
    failing_since: datetime | None = Field(description="The first failure since the last success.")
    retry_at: datetime | None = Field(description="The next attempt, while the receiver fails at everything.")
    former_secret_until: datetime | None
    failing: int = Field(description="Items that are retried; like the next two, counted up to 1,000 in all.")
    behind: int = Field(description="Items behind one of the same subject that is not delivered.")
    parked: int = Field(description="Items that have failed as often as they are tried.")
    actor: str
    created_at: datetime


class WebhookWithSecret(WebhookBody):
    """The same, with a secret that was made for this request."""

    secret: str | None = Field(default=None, description="Shown only here; null if the caller gave it, or it stays.")


async def new_webhook(request: Request) -> NewWebhook:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewWebhook)


async def new_secret(request: Request) -> NewSecret:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewSecret, empty=NewSecret())


@router.put(
    "/consumers/{name}/webhook",
    summary="Deliver the feed to a webhook",
    openapi_extra=described(NewWebhook),
    responses={201: {"model": WebhookWithSecret, "description": "It is new."}},
)
async def put(
    name: ConsumerName,
    who: Operator,
    body: Annotated[NewWebhook, Depends(new_webhook)],
    deps: Injected,
    response: Response,
) -> WebhookWithSecret:
    """Delivers what follows the consumer's position, in order for each subject, and moves the position itself.

    Without `secret`, a new webhook gets one and another keeps its own. Another URL needs a consent of its own.
    """
    webhook_targets.parse(body.url, AllowList(deps.settings.webhook_allow))
    secret, given = _secret(body.secret)
    row, created = await webhooks.put(
        deps.pool,
        who.tenant,
        name,
        url=body.url,
        secret=secret,
        keep_secret=not given,
        batch=body.batch,
        consented=not body.consent,
        actor=who.name,
    )
    if created:
        response.status_code = 201
        response.headers["Location"] = f"/v1/consumers/{name}/webhook"
    return WebhookWithSecret(**describe(row).model_dump(), secret=secret if created and not given else None)


@router.get("/consumers/{name}/webhook", summary="Get the webhook of a consumer")
async def webhook(name: ConsumerName, who: Reader, deps: Injected) -> WebhookBody:
    """Where the feed is delivered to, and how that goes."""
    return describe(await webhooks.find(deps.pool, who.tenant, name))


@router.delete("/consumers/{name}/webhook", status_code=204, summary="End the deliveries to a webhook")
async def delete(name: ConsumerName, who: Operator, deps: Injected) -> None:
    """The consumer stays registered, at its position. Its undelivered items are forgotten."""
    await webhooks.delete(deps.pool, who.tenant, name)


@router.post(
    "/consumers/{name}/webhook/secrets",
    status_code=201,
    summary="Rotate the secret of a webhook",
    openapi_extra=described(NewSecret, required=False),
)
async def rotate(
    name: ConsumerName,
    who: Operator,
    body: Annotated[NewSecret, Depends(new_secret)],
    deps: Injected,
    response: Response,
) -> WebhookWithSecret:
    """Messages carry the signatures of both secrets for the grace period, so that the receiver can change then."""
    secret, given = _secret(body.secret)
    row = await webhooks.rotate(deps.pool, who.tenant, name, secret, timedelta(seconds=body.grace_seconds))
    response.headers["Location"] = f"/v1/consumers/{name}/webhook"
    return WebhookWithSecret(**describe(row).model_dump(), secret=None if given else secret)


def _secret(given: str | None) -> tuple[str, bool]:
    """The secret to use, and whether the caller gave it. Raises Refused."""
    if given is None:
        return webhook_signatures.new_secret(), False
    webhook_signatures.check(given)
    return given, True


def describe(row: WebhookRow) -> WebhookBody:
    """Returns the body of a webhook."""
    named = row._asdict()
    return WebhookBody(former_secret_until=named.pop("former_until"), **named)
