"""`POST /v1/events`: facts as CloudEvents. 202 means that they are committed.

The way of a fact: this endpoint → ``api/http/cloudevents.py`` (body → JSON) → ``facts/ingest.py``
(JSON → entry or rejection) → ``store/write/recorder.py`` (entries and rejections → one transaction).
"""

import asyncio
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.http import cloudevents
from api.http.auth import Publisher, check_fact, in_force
from api.http.dependencies import Dependencies, dependencies_of
from api.http.preferences import is_strict
from api.http.problems import TooLarge, of
from api.http.receipt import WARNINGS, Receipt
from errors import Conflict, Malformed, Unacceptable, Unauthenticated
from facts import tokens
from facts.ingest import Batch
from store.db.credentials import Principal
from store.write.strict import StrictFlaw, StrictRefusal

router = APIRouter(tags=["facts"])


class UnrecordedEvent(BaseModel):
    """An event of the request that was not recorded."""

    index: int = Field(description="Position in the request, from 0.")
    id: str | None = Field(description="The event's id; null if it could not be read.")
    reason: str = Field(examples=["unknown type: no contract declares UserCreated.v1"])


class EventWarned(BaseModel):
    """What is odd about an event that was recorded all the same."""

    index: int = Field(description="Position in the request, from 0.")
    reason: str = Field(examples=["TeamCreated.v1 declares no field 'event': is 'event_id' meant?"])


class EventsRecorded(BaseModel):
    """The outcome of each event: `accepted`, one of the `duplicates`, `ignored`, `quarantined` or `rejected`."""

    token: str = Field(description="Names the new revision; pass it as `at_least` to read your own write.")
    accepted: int = Field(description="Facts recorded for the first time.")
    stale: int = Field(
        description="How many of the accepted facts are older than what was known of their entities when they arrived: "
        "they may have changed nothing. `GET /v1/entities/{kind}/{key}/facts?stale=true` lists them."
    )
    duplicates: int = Field(description="Facts that were recorded before; they have no further effect.")
    ignored: int = Field(
        description="Messages of other systems that give no fact, by the mapping of their type. They are not kept."
    )
    quarantined: list[UnrecordedEvent] = Field(
        description="Facts that break their contract, or that have another body than the one recorded under their id. "
        "The quarantine keeps them."
    )
    rejected: list[UnrecordedEvent] = Field(
        description="Events that are no CloudEvents, and facts that this API key may not publish. Correct them, and "
        "send them again. The quarantine keeps a copy of those that are no CloudEvents. Also events that would be "
        "quarantined if the quarantine did not hold as much of this API key as it may."
    )
    warnings: list[EventWarned] = Field(
        description=f"What is odd about accepted facts; the first {WARNINGS} of the request."
    )
    warnings_count: int = Field(description="How many warnings there are.")


_EVENT = {"schema": {"type": "object", "required": ["specversion", "id", "source", "type"]}}
_REQUEST: dict[str, Any] = {
    "parameters": [
        {
            "name": "prefer",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "`handling=strict`: record all or nothing.",
        }
    ],
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
    },
}


# What is not the key is read from the request itself: FastAPI takes some tens of microseconds for each parameter.
@router.post("/events", status_code=202, response_model=EventsRecorded, openapi_extra=_REQUEST, summary="Publish facts")
async def publish(request: Request, who: Publisher) -> Response:
    """Records CloudEvents 1.0 in binary, structured, batch or NDJSON mode, in any order and any number of times.

    Data is JSON. In binary mode any media type of JSON is taken (`application/*+json`), or none; NDJSON is also called
    `application/ndjson` and `application/jsonl`. A body may be gzip (`Content-Encoding: gzip`).

    Each event of a batch or stream has its own outcome, which the answer names by its index: a bad one harms no other.
    An event that is sent alone, in binary or structured mode, is answered with 400, 403, 409 or 422 if it is no
    CloudEvent, may not be published with this API key, is recorded with another body, or breaks its contract and is not
    kept in quarantine either.

    `Prefer: handling=strict` records all or nothing; of an NDJSON stream, all or nothing of each chunk of up to 500
    lines, to the first chunk with a bad one.
    """
    kind = cloudevents.media_type(request.headers)
    deps = dependencies_of(request)
    limits = deps.settings.limits
    strict = is_strict(request.headers.getlist("prefer"))
    authorize = None if who.scope == "admin" else partial(check_fact, who, deps.validator)
    new_batch = partial(Batch, deps.validator, authorize, 2 * limits.fact)
    if kind == cloudevents.NDJSON:
        return await record_stream(request, deps, who, partial(new_batch, False), strict)
    batch = new_batch(kind != cloudevents.BATCH)
    await cloudevents.read_events(request, kind, batch, limits)
    receipt = Receipt()
    await _record(deps, who, batch, receipt, strict)
    if receipt.refusal is not None:
        return _refusal(receipt)
    if batch.alone and receipt.rejected:
        return of(Unacceptable(receipt.rejected[0]["reason"]))
    if batch.alone and receipt.conflicts:
        return of(Conflict(receipt.quarantined[0]["reason"]))
    return _answer(who, receipt)


async def _record(deps: Dependencies, who: Principal, batch: Batch, receipt: Receipt, strict: bool) -> None:
    if strict and batch.flawed:
        receipt.refuse(batch)
        return
    try:
        outcome = await deps.recorder.record(
            who.tenant, batch.entries, batch.rejections, actor=who.name, publisher=who.publisher, strict=strict
        )
    except (StrictRefusal, StrictFlaw) as refusal:
        receipt.refuse(batch, refusal)
        return
    quarantined, rejected = receipt.add(batch, outcome)
    deps.metrics.facts(
        outcome.accepted, outcome.duplicates, quarantined, rejected, outcome.stale, ignored=len(batch.ignored)
    )


async def record_stream(
    request: Request, deps: Dependencies, who: Principal, new_batch: partial[Batch], strict: bool
) -> Response:
    """Records chunk by chunk, each while the key is in force: while one is written, the next is read."""
    receipt = Receipt()
    writing: asyncio.Task[None] | None = None
    try:
        async for batch in cloudevents.read_stream(request, new_batch, deps.settings.limits.body):
            if writing is not None:
                await writing
                writing = None
            if receipt.refusal is not None:
                break
            await in_force(request)
            writing = asyncio.create_task(_record(deps, who, batch, receipt, strict))
    except (Malformed, TooLarge, Unauthenticated) as failure:  # of the stream, which is not read any further
        if writing is not None:
            await writing
        return of(failure, **receipt.fields())
    finally:
        if writing is not None:
            await writing
    if receipt.refusal is not None:
        return _refusal(receipt)
    if not receipt.recorded:  # a stream without events is answered with the current revision
        await _record(deps, who, new_batch(0), receipt, strict)
    return _answer(who, receipt)


def _refusal(receipt: Receipt) -> Response:
    """The answer to a strict request: the problem of its first bad event, and all bad events as ``errors``.

    The other fields count what earlier chunks of a stream recorded.
    """
    assert receipt.refusal is not None
    first = receipt.errors[0]
    detail = f"event {first['index']}: {first['reason']}"
    more = {"index": first["index"], "errors": receipt.errors, **receipt.fields()}
    return of(receipt.refusal, detail=detail, **more)


def _answer(who: Principal, receipt: Receipt) -> Response:
    body = {"token": tokens.token(who.tenant, receipt.revision), **receipt.fields()}
    return Response(orjson.dumps(body), 202, media_type="application/json")
