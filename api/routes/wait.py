"""`GET /v1/wait`: answers once a consumer has acknowledged a revision, to read a write in the consumer's service."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.http.auth import CONSUMER_NAME, Reader
from api.http.dependencies import Injected
from api.http.queries import DEFAULT_WAIT
from catalog import limits
from errors import NotYet
from facts import tokens
from store.db import epochs
from store.db.snapshot import snapshot

router = APIRouter(tags=["consumers"])


class HasAcknowledged(BaseModel):
    """A consumer has acknowledged everything up to a revision."""

    consumer: str
    token: str = Field(description="That of the request.")


@router.get("/wait", summary="Wait for a consumer")
async def wait_for_consumer(
    who: Reader,
    deps: Injected,
    consumer: Annotated[
        str, Query(min_length=1, max_length=limits.NAME, pattern=CONSUMER_NAME, description="Its name.")
    ],
    token: Annotated[str, Query(description="A token, such as that of your last write.")],
    wait: Annotated[float, Query(ge=0, description="Seconds to wait, up to the server's limit.")] = DEFAULT_WAIT,
) -> HasAcknowledged:
    """Answers once the consumer has acknowledged everything up to the token: then its copy shows your write.

    `not-yet` (409) after `wait` seconds; `expired` (410) if the write was lost in a restore.
    """
    seconds = min(wait, deps.settings.limits.wait)
    revision = tokens.revision(who.tenant, token)
    async with snapshot(deps.pool, who.tenant) as at:
        await epochs.check_kept(at, revision)
    if not await deps.acknowledged.reach(who.tenant, consumer, revision, seconds):
        raise NotYet(
            f"the consumer {consumer!r} has not acknowledged {token} within {seconds:g} s; try again, or with a longer "
            f"wait; GET /v1/consumers/{consumer} says how far it is"
        )
    return HasAcknowledged(consumer=consumer, token=token)
