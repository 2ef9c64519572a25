"""`GET /v1/retention`: how far back can be read, and what was trimmed."""

from datetime import datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Injected
from facts import tokens
from store.retention import report

router = APIRouter(tags=["retention"])


class Kept(BaseModel):
    """How long is kept what is not the present state, by the settings of the process that answers; null: for ever."""

    history: timedelta | None = Field(description="How far back can be read.")
    bodies: timedelta | None = Field(description="Age at which bodies are emptied that no fact can need any more.")
    operations: timedelta | None = Field(description="Age since their end at which operations are deleted.")
    quarantine: timedelta | None = Field(description="Age at which quarantined events are deleted.")
    cap: timedelta = Field(description="How much longer than `history` the horizon may be held back.")


class RetentionReport(BaseModel):
    """The horizon of the tenant, and what was trimmed."""

    kept: Kept
    horizon: str | None = Field(description="Token of the first revision that can be read; null: all of them can.")
    horizon_at: datetime | None = Field(description="When that revision was written.")
    sealed: str | None = Field(description="Token: facts up to this revision cannot be voided; null: all can.")
    held_by: str | None = Field(
        description="What holds the horizon back: a consumer, a snapshot, an operation or a deletion; null: nothing."
    )
    held_name: str | None = Field(description="Its name, id or key.")
    trimmed: dict[str, int] = Field(description="How many rows of each table were trimmed; `bodies`: of facts.")
    last_run: datetime | None = Field(description="When the last run ended; null: none has.")
    next_run: datetime | None = Field(description="When the next run is due; null: none is planned.")


@router.get("/retention", summary="Show the retention")
async def show(who: Reader, deps: Injected) -> RetentionReport:
    """How far back can be read, what holds that back, and what was trimmed. Unless configured, nothing is."""
    settings = deps.settings.retention
    found, trimmed = await report.read(deps.pool, who.tenant)
    return RetentionReport(
        kept=Kept.model_validate(settings, from_attributes=True),
        horizon=tokens.token(who.tenant, found.revision) if found.revision else None,
        horizon_at=found.at,
        sealed=tokens.token(who.tenant, found.sealed) if found.sealed else None,
        held_by=found.held_by,
        held_name=found.held_name,
        trimmed={row.what: row.rows for row in trimmed},
        last_run=found.last_run,
        next_run=found.next_run if settings.trims else None,
    )
