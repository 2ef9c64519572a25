"""Whether this process lives, whether it can work, and its numbers. Open to everybody who can reach it."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.http.dependencies import Has
from store.db import readiness
from store.read import gauges

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """It answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """``ok``, or what is missing."""

    ready: bool
    postgres: str = Field(description="Whether it can be read, and holds what this version needs.", examples=["ok"])
    temporal: str = Field(
        description="Facts are taken without it: what waits goes on once it is back.", examples=["ok"]
    )


@router.get("/healthz", summary="Does it live?")
async def healthz() -> Alive:
    """Touches nothing: a process that answers need not be started anew."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses={503: {"model": Ready}}, summary="Can it work?")
async def readyz(has: Has) -> JSONResponse:
    """200 only if everything is there."""
    postgres, temporal = await asyncio.gather(readiness.check(has.pool, has.catalog), has.starter.check())
    ready = postgres == temporal == "ok"
    found = Ready(ready=ready, postgres=postgres, temporal=temporal)
    return JSONResponse(found.model_dump(), 200 if ready else 503)


@router.get("/metrics", summary="Numbers, for Prometheus", response_class=Response)
async def metrics(has: Has) -> Response:
    """Needs no key, like `/healthz`: keep the port to those who may see names of tenants and relationships.

    Numbers of the whole database are read when they are asked for; those that PostgreSQL does not give within two
    seconds are left out.
    """
    text, media_type = has.metrics.text(await gauges.read(has.pool))
    return Response(text, media_type=media_type)
