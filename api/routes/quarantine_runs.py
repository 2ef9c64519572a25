"""`/v1/quarantine/plans`, `…/redrives` and `…/discards`: what is done with quarantined events."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.http.auth import Operator, Reader
from api.http.dependencies import Injected
from api.http.paging import Cursor, Limit, Listing
from api.http.queries import FilterText, KeyText, answer
from api.http.requests import IdempotencyKey, described, read
from errors import BadToken, Conflict
from messages.quarantine_reasons import ReasonCode, describe_cause, describe_trial
from store.db.pool import connection
from store.quarantine import runs, trial
from store.quarantine.listings import TYPE, EventFilter
from store.quarantine.runs import Action, EventOutcome, QuarantineRun, RunPlan, RunState
from store.quarantine.trial import Trial

router = APIRouter(tags=["quarantine"])

Runs = Literal["redrives", "discards"]
ACTIONS: dict[Runs, Action] = {"redrives": "redrive", "discards": "discard"}


class NewRunPlan(BaseModel):
    """Which quarantined events are to be redriven or discarded: those with all values that are given."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    type: FilterText | None = None
    code: ReasonCode | None = None
    field: FilterText | None = None
    source: FilterText | None = None
    key: FilterText | None = Field(default=None, description="Name of the API key that sent them first.")
    event: int | None = Field(default=None, ge=1, lt=2**62, description="Only the event with this id.")
    sample: int = Field(
        default=500, ge=0, le=10_000, description="Of a redrive: how many events are tried, the first ones; 0: none."
    )


class TrialRefusal(BaseModel):
    """Tried events that would be refused for the same cause."""

    type: str | None
    code: ReasonCode
    field: str
    cause: str = Field(description="The same for people.")
    events: int
    samples: list[int] = Field(description="Ids of the first ones.")


class TriedSample(BaseModel):
    """What would become of the first events, by the catalog in force."""

    tried: int
    accepted: int
    recorded: int = Field(description="How many are recorded already: they would leave the quarantine as duplicates.")
    ignored: int = Field(description="How many give no fact, by their mapping.")
    refused: list[TrialRefusal]
    summary: str = Field(examples=["412 of 500 would be accepted; 88: field `email` missing"])


class QuarantinePlan(BaseModel):
    """What a redrive or discard would process. Nothing is stored, and nothing has changed."""

    plan: str = Field(description="Hand it to `POST /v1/quarantine/redrives` or `…/discards`.")
    action: Action
    events: int = Field(description="How many events are in quarantine now that would be processed.")
    up_to: int = Field(description="Id of the newest event in quarantine: events that come later are not touched.")
    trial: TriedSample | None = Field(description="null: nothing was tried.")


class RunRequest(BaseModel):
    """The plan to carry out."""

    model_config = ConfigDict(extra="forbid")

    plan: str = Field(description="`plan` of the answer to `POST /v1/quarantine/plans`.")


class RunOfEvents(BaseModel):
    """A redrive or discard, and how far it has come."""

    id: str
    action: Action
    state: RunState
    type: str | None = Field(description="Only events of this type. null: of any; so are the next fields.")
    code: str | None
    field: str | None
    source: str | None
    key: str | None
    event: int | None
    up_to: int = Field(description="Events that came after the one with this id are not touched.")
    total: int = Field(description="How many events the plan was about.")
    accepted: int = Field(description="Recorded for the first time, those that are stale included.")
    stale: int
    duplicates: int = Field(description="Recorded before: they left the quarantine without a further effect.")
    ignored: int = Field(description="Messages of other systems that gave no fact, by their mapping: they left.")
    refused: int = Field(description="Refused again: they stay, with the present reason.")
    discarded: int
    actor: str = Field(description="Name of the API key that requested it.")
    requested: datetime
    ended: datetime | None


class RunsPage(BaseModel):
    """A page of redrives or discards, newest first."""

    items: list[RunOfEvents]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


class ProcessedEvent(BaseModel):
    """What became of one event."""

    event: int = Field(description="Its id in quarantine.")
    outcome: EventOutcome
    code: str = Field(description="Why it was refused; else empty.")
    field: str
    cause: str = Field(description="The same for people.")
    source: str | None
    event_id: str | None
    type: str | None


class ProcessedPage(BaseModel):
    """A page of events, in the order in which they were processed."""

    items: list[ProcessedEvent]
    next: str | None = Field(description="Pass it as `cursor` for the next page; null: this is the last one.")


async def new_plan(request: Request) -> NewRunPlan:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, NewRunPlan)


async def run_request(request: Request) -> RunRequest:
    """Reads the body. Raises RequestValidationError, TooLarge."""
    return await read(request, RunRequest)


@router.post("/quarantine/plans", summary="Plan a redrive or discard", openapi_extra=described(NewRunPlan))
async def plan(who: Operator, body: Annotated[NewRunPlan, Depends(new_plan)], deps: Injected) -> QuarantinePlan:
    """Counts what a redrive or discard would process, and, of a redrive, tries the first events against the catalog in
    force: how many would be accepted, and why the others would not."""
    type = None if body.type is None else body.type[:TYPE]
    wanted = EventFilter(type, body.code, body.field, body.source, body.key)
    tried = None
    async with connection(deps.pool) as conn:
        planned = await runs.plan(conn, who.tenant, body.action, wanted, body.event)
        if body.action == "redrive" and body.sample:
            tried = await trial.try_sample(
                conn, who.tenant, deps.validator, wanted, body.event, planned.up_to, body.sample
            )
    encoded = _plans(who.tenant).next([planned.text()])
    return QuarantinePlan(
        plan=encoded or "",
        action=planned.action,
        events=planned.events,
        up_to=planned.up_to,
        trial=None if tried is None else _sample(tried),
    )


@router.post(
    "/quarantine/{of}", status_code=202, summary="Redrive or discard events", openapi_extra=described(RunRequest)
)
async def start(
    of: Runs,
    who: Operator,
    body: Annotated[RunRequest, Depends(run_request)],
    deps: Injected,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> RunOfEvents:
    """Carries a plan out, in the order in which the events arrived, at the rate of `TETHER_QUARANTINE_RATE`.

    A redrive validates each event as if its sender had just sent it. What is accepted, or is recorded already, leaves
    the quarantine in the transaction in which it is recorded; what is refused again stays, with the present reason.
    Each event is processed once. Redrives and discards of a tenant are carried out one after the other.
    """
    planned = _planned(who.tenant, body.plan)
    if planned.action != ACTIONS[of]:
        raise Conflict(f"the plan is to {planned.action} events, not to {ACTIONS[of]} them; make another one")
    row = await runs.request(deps.pool, who.tenant, planned, actor=who.name, idempotency_key=idempotency_key)
    response.headers["location"] = f"/v1/quarantine/{of}/{row.id}"
    return _body(row)


@router.get("/quarantine/{of}", response_model=RunsPage, summary="List redrives or discards")
async def list_runs(of: Runs, who: Reader, deps: Injected, limit: Limit, cursor: Cursor = None) -> Response:
    """Redrives, or discards, newest first. A page may hold fewer items than its limit although `next` is not null."""
    listing = Listing(who.tenant, "quarantine runs", of)
    (before,) = listing.place(cursor, (int,)) or [None]
    async with connection(deps.pool) as conn:
        found, after = await runs.page(conn, who.tenant, ACTIONS[of], before, limit)
    next = listing.next(None if after is None else [after])
    return answer({"items": [_body(row).model_dump() for row in found], "next": next})


@router.get("/quarantine/{of}/{id}", summary="Get a redrive or discard")
async def show(of: Runs, id: KeyText, who: Reader, deps: Injected) -> RunOfEvents:
    """How far it has come, and what became of the events."""
    async with connection(deps.pool) as conn:
        return _body(await runs.find(conn, who.tenant, ACTIONS[of], id))


@router.get("/quarantine/{of}/{id}/events", response_model=ProcessedPage, summary="List what became of each event")
async def list_events(
    of: Runs,
    id: KeyText,
    who: Reader,
    deps: Injected,
    limit: Limit,
    outcome: Annotated[EventOutcome | None, Query(description="Only events of which this became.")] = None,
    cursor: Cursor = None,
) -> Response:
    """The events that were processed so far. With `outcome`, a page may hold fewer items than its limit."""
    listing = Listing(who.tenant, "quarantine run", of, id, outcome)
    (after,) = listing.place(cursor, (int,)) or [None]
    async with connection(deps.pool) as conn:
        await runs.find(conn, who.tenant, ACTIONS[of], id)
        found, place = await runs.events_page(conn, who.tenant, id, outcome, after, limit)
    items = [{**one._asdict(), "cause": describe_cause(one.cause) if one.code else ""} for one in found]
    return answer({"items": items, "next": listing.next(None if place is None else [place])})


@router.post("/quarantine/{of}/{id}/cancellation", status_code=202, summary="Cancel a redrive or discard")
async def cancel(of: Runs, id: KeyText, who: Operator, deps: Injected) -> RunOfEvents:
    """No further event is processed; what has been processed stays so. It is a conflict if it is done."""
    return _body(await runs.cancel(deps.pool, who.tenant, ACTIONS[of], id))


def _planned(tenant: str, plan: str) -> RunPlan:
    """Reads what a plan says. Raises BadToken."""
    try:
        (text,) = _plans(tenant).place(plan, (str,))
    except BadToken:
        raise BadToken("the plan was not made here; make one by POST /v1/quarantine/plans") from None
    return RunPlan.of_text(text)


def _plans(tenant: str) -> Listing:
    return Listing(tenant, "quarantine plan")


def _sample(tried: Trial) -> TriedSample:
    refused = [
        TrialRefusal.model_validate(
            {
                **one.cause._asdict(),
                "type": one.cause.type or None,
                "cause": describe_cause(one.cause),
                "events": one.events,
                "samples": one.samples,
            }
        )
        for one in tried.refused
    ]
    causes = [(one.events, one.cause) for one in tried.refused]
    summary = describe_trial(tried.tried, tried.accepted, tried.duplicates, tried.ignored, causes)
    return TriedSample(
        tried=tried.tried,
        accepted=tried.accepted,
        recorded=tried.duplicates,
        ignored=tried.ignored,
        refused=refused,
        summary=summary,
    )


def _body(row: QuarantineRun) -> RunOfEvents:
    shown: dict[str, Any] = {name: value for name, value in row._asdict().items() if name in RunOfEvents.model_fields}
    return RunOfEvents(**shown, requested=row.requested_at, ended=row.ended_at)
