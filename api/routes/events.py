"""The HTTP door: facts in, in any of CloudEvents' forms. 202 means: on disk."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field

from api.http import cloudevents
from api.http.auth import Publisher
from api.http.dependencies import Has
from api.http.problems import TooLarge, of, problem
from api.ingest import Intake, Tally
from errors import Conflict, Forbidden, Malformed, TetherError, Unacceptable
from store.db import tokens

router = APIRouter(tags=["facts"])

CHUNK = 500
"""Lines of a stream that are settled together."""


class Quarantined(BaseModel):
    """A fact that could not be taken; it is kept aside with its reason."""

    index: int = Field(description="Place in the request, from 0.")
    id: str | None = Field(description="The event's id.")
    reason: str = Field(examples=["unknown type: no contract declares UserCreated.v1"])


class Recorded(BaseModel):
    """Facts are on disk and settled."""

    token: str = Field(description="Names the revision; pass it as `at_least` to read what was written.")
    accepted: int
    duplicates: int
    quarantined: list[Quarantined]


_EVENT = {"schema": {"type": "object", "required": ["specversion", "id", "source", "type"]}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            cloudevents.STRUCTURED: _EVENT,
            cloudevents.BATCH: {"schema": {"type": "array", "items": _EVENT["schema"]}},
            cloudevents.NDJSON: {"schema": {"type": "string", "description": "One event a line; any length."}},
            cloudevents.BINARY: {
                "schema": {"type": "object", "description": "The data; attributes are `ce-` headers."}
            },
        },
    }
}


@router.post("/events", status_code=202, response_model=Recorded, openapi_extra=_BODY, summary="Tell facts")
async def publish(request: Request, who: Publisher, has: Has, prefer: Annotated[str, Header()] = "") -> Response:
    """Takes CloudEvents 1.0 in binary, structured, batch or NDJSON form; any order, any number of times.

    With `Prefer: handling=strict` a fact that breaks its contract refuses the whole request instead of being
    quarantined.
    """
    kind = cloudevents.media_type(request.headers)
    limits = has.settings.limits
    intake = Intake(has.admission, who, keep=2 * limits.fact)
    strict = "handling=strict" in prefer.replace(" ", "").lower()
    if kind == cloudevents.NDJSON:
        return await _stream(request, has, intake, strict)
    content = await cloudevents.body(request, limits.body, f"; send several, or a stream of {cloudevents.NDJSON}")
    if kind == cloudevents.BATCH:
        await _batch(intake, content, limits.batch)
    elif kind == cloudevents.STRUCTURED:
        intake.raw(content, None)
    else:
        _binary(intake, request, content)
    if strict and intake.rejected:
        return _refusal(intake)
    tally = Tally()
    await _record(has, intake, tally)
    if kind != cloudevents.BATCH and tally.conflicts:
        return of(Conflict(tally.quarantined[0]["reason"]))
    return _answer(who.tenant, tally)


def _binary(intake: Intake, request: Request, content: bytes) -> None:
    event, flaw = cloudevents.attributes(request.headers), ""
    if content.strip():
        try:
            event["data"], flaw = cloudevents.parse(content, None, "data")
        except Unacceptable as refusal:
            flaw = refusal.reason
    intake.event(event, None, content if flaw else None, flaw)  # without its headers the data says little


async def _batch(intake: Intake, content: bytes, limit: int) -> None:
    """An array that is no good JSON as a whole is cut up in a thread: that takes a while if it is large."""
    try:
        events = orjson.loads(content)
    except orjson.JSONDecodeError:
        parts: Sequence[Any] = await asyncio.to_thread(lambda: list(cloudevents.elements(content)))
        take: Any = intake.raw
    else:
        if type(events) is not list:
            raise Malformed("batch", "is no JSON array")
        parts, take = events, intake.event
    if len(parts) > limit:
        raise TooLarge(f"{len(parts)} events in one batch, {limit} are taken; send several, or {cloudevents.NDJSON}")
    for index, part in enumerate(parts):
        take(part, index)
        if index % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)  # let others have a turn


async def _record(has: Has, intake: Intake, tally: Tally) -> None:
    who = intake.who
    answer = await has.recorder.record(who.tenant, intake.entries, intake.rejected, actor=who.name)
    tally.add(intake, answer)
    has.metrics.facts(answer.accepted, answer.duplicates, len(intake.rejected) + len(answer.refused))


async def _stream(request: Request, has: Has, intake: Intake, strict: bool) -> Response:
    """Chunk by chunk: while one is written, the next is read. What came before a bad line is recorded."""
    tally = Tally()
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in cloudevents.lines(request.stream(), intake.keep, CHUNK):
            failure = _take(intake, chunk)
            if writing is not None:
                await writing
                writing = None
            if strict and intake.rejected:
                return _refusal(intake, **tally.counts())
            writing = asyncio.create_task(_record(has, intake, tally))
            if failure is not None:
                raise failure
            intake = intake.next()
    except (Malformed, Forbidden, TooLarge) as failure:
        if writing is not None:
            await writing
        return of(failure, **tally.counts())
    finally:
        if writing is not None:
            await writing
    return _answer(intake.who.tenant, tally if tally.answered else await _empty(has, intake, tally))


def _take(intake: Intake, chunk: list[bytes]) -> TetherError | None:
    """Takes lines up to the first that cannot be taken, and says what is wrong with that."""
    for line in chunk:
        try:
            intake.raw(line, intake.seen)
        except (Malformed, Forbidden) as failure:
            return failure
    return None


async def _empty(has: Has, intake: Intake, tally: Tally) -> Tally:
    await _record(has, intake, tally)
    return tally


def _refusal(intake: Intake, **counts: Any) -> Response:
    first = intake.refusals[0]
    detail = f"event {first['index']}: {first['reason']}"
    title = "A fact breaks its contract"
    return problem(422, "contract-violation", title, detail, errors=intake.refusals, **counts)


def _answer(tenant: str, tally: Tally) -> Response:
    body = {"token": tokens.token(tenant, tally.revision), **tally.counts()}
    return Response(orjson.dumps(body), 202, media_type="application/json")
