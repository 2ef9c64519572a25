"""Liveness, readiness and metrics of this process. No API key is needed."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.http.dependencies import Injected
from store.db import readiness
from store.read import gauges

router = APIRouter(tags=["health"])


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether the process can serve; for each dependency ``ok``, or what is wrong with it."""

    ready: bool
    postgres: str = Field(description="Whether it can be reached and its schema is current.", examples=["ok"])
    temporal: str = Field(
        description="Whether it can be reached. Facts are recorded without it.",
        examples=["ok"],
    )


@router.get("/healthz", summary="Liveness")
async def healthz() -> Liveness:
    """Has no dependencies: a process that answers need not be restarted."""
    return Liveness()


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}}, summary="Readiness")
async def readyz(deps: Injected) -> JSONResponse:
    """200 if PostgreSQL and Temporal can be reached, 503 if not."""
    postgres, temporal = await asyncio.gather(readiness.check(deps.pool, deps.catalog), deps.starter.check())
    ready = postgres == temporal == "ok"
    found = Readiness(ready=ready, postgres=postgres, temporal=temporal)
    return JSONResponse(found.model_dump(), 200 if ready else 503)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics(deps: Injected) -> Response:
    """Needs no API key: restrict access to the port, because labels name tenants and relationships.

    Metrics of the database are read for each scrape; those that PostgreSQL does not return within two seconds are
    left out.
    """
    text, media_type = deps.metrics.text(await gauges.read(deps.pool))
    return Response(text, media_type=media_type)
