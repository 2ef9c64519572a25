"""`POST /v1/events`: facts as CloudEvents. 202 means that they are committed.

The way of a fact: this endpoint → ``api/http/cloudevents.py`` (body → JSON) → ``facts/ingest.py``
(JSON → entry or rejection) → ``store/write/recorder.py`` (entries and rejections → one transaction).
"""

import asyncio
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from api.http import cloudevents
from api.http.auth import Publisher, check_fact
from api.http.dependencies import Has
from api.http.problems import TooLarge, of, problem
from api.http.receipt import Receipt, rejected
from errors import Conflict, Forbidden, Malformed
from facts.ingest import Batch
from store.db import tokens
from store.db.credentials import Principal

router = APIRouter(tags=["facts"])


class QuarantinedEvent(BaseModel):
    """An event that could not be recorded; it is kept in quarantine with its reason."""

    index: int = Field(description="Position in the request, from 0.")
    id: str | None = Field(description="The event's id; null if it could not be read.")
    reason: str = Field(examples=["unknown type: no contract declares UserCreated.v1"])


class EventsRecorded(BaseModel):
    """The facts are committed to the ledger."""

    token: str = Field(description="Names the new revision; pass it as `at_least` to read your own write.")
    accepted: int = Field(description="Facts recorded for the first time.")
    duplicates: int = Field(description="Facts that were recorded before; they have no further effect.")
    quarantined: list[QuarantinedEvent]


_EVENT = {"schema": {"type": "object", "required": ["specversion", "id", "source", "type"]}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            cloudevents.STRUCTURED: _EVENT,
            cloudevents.BATCH: {"schema": {"type": "array", "items": _EVENT["schema"]}},
            cloudevents.NDJSON: {"schema": {"type": "string", "description": "One event per line; any length."}},
            cloudevents.BINARY: {
                "schema": {"type": "object", "description": "The event's data; attributes are `ce-` headers."}
            },
        },
    }
}


@router.post("/events", status_code=202, response_model=EventsRecorded, openapi_extra=_BODY, summary="Publish facts")
async def publish(request: Request, who: Publisher, has: Has, prefer: Annotated[str, Header()] = "") -> Response:
    """Records CloudEvents 1.0 in binary, structured, batch or NDJSON mode, in any order and any number of times.

    Data is JSON. In binary mode any media type of JSON is taken (`application/*+json`), or none; NDJSON is also called
    `application/ndjson` and `application/jsonl`. A body may be gzip (`Content-Encoding: gzip`).

    A fact that breaks its contract is quarantined. With `Prefer: handling=strict` it refuses the whole request
    instead; of an NDJSON stream, everything from its chunk of 500 lines on.
    """
    kind = cloudevents.media_type(request.headers)
    limits = has.settings.limits
    strict = "handling=strict" in prefer.replace(" ", "").lower()
    authorize = None if who.scope == "admin" else partial(check_fact, who, has.validator)
    new_batch = partial(Batch, has.validator, authorize, 2 * limits.fact)
    if kind == cloudevents.NDJSON:
        return await _record_stream(request, has, who, partial(new_batch, True), strict)
    batch = new_batch(kind == cloudevents.BATCH)
    await cloudevents.read_events(request, kind, batch, limits)
    if strict and batch.rejections:
        return _refusal(batch)
    receipt = Receipt()
    await _record(has, who, batch, receipt)
    if kind != cloudevents.BATCH and receipt.conflicts:
        return of(Conflict(receipt.quarantined[0]["reason"]))
    return _answer(who, receipt)


async def _record(has: Has, who: Principal, batch: Batch, receipt: Receipt) -> None:
    outcome = await has.recorder.record(who.tenant, batch.entries, batch.rejections, actor=who.name)
    receipt.add(batch, outcome)
    has.metrics.facts(outcome.accepted, outcome.duplicates, len(batch.rejections) + len(outcome.refused))


async def _record_stream(
    request: Request, has: Has, who: Principal, new_batch: partial[Batch], strict: bool
) -> Response:
    """Records chunk by chunk: while one is written, the next is read. The lines before a bad one are recorded."""
    receipt = Receipt()
    writing: asyncio.Task[None] | None = None
    try:
        async for batch in cloudevents.read_stream(request, new_batch, 2 * has.settings.limits.fact):
            if writing is not None:
                await writing
                writing = None
            if strict and batch.rejections:
                return _refusal(batch, **receipt.counts())
            writing = asyncio.create_task(_record(has, who, batch, receipt))
    except (Malformed, Forbidden, TooLarge) as failure:
        if writing is not None:
            await writing
        return of(failure, **receipt.counts())
    finally:
        if writing is not None:
            await writing
    if not receipt.recorded:  # a stream without events is answered with the current revision
        await _record(has, who, new_batch(0), receipt)
    return _answer(who, receipt)


def _refusal(batch: Batch, **counts: Any) -> Response:
    errors = rejected(batch)
    detail = f"event {errors[0]['index']}: {errors[0]['reason']}"
    return problem(422, "contract-violation", "A fact breaks its contract", detail, errors=errors, **counts)


def _answer(who: Principal, receipt: Receipt) -> Response:
    body = {"token": tokens.token(who.tenant, receipt.revision), **receipt.counts()}
    return Response(orjson.dumps(body), 202, media_type="application/json")
