"""A minimal service that accepts one fact at a time: FastAPI and asyncpg, one transaction per request.

It inserts the fact and upserts its entity. It has no validation, API keys, links or revisions.
Run as ``python -m bench.limits.plain_http PORT``, with the database's URL on stdin.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from devstack.ports import LOOPBACK

CONNECTIONS = 16
"""The number with the highest rate of one-row transactions on two cores."""

_FACT = """
insert into plain.facts (tenant, revision, received, source, id, type, kind, key, sequence, order_key, time, data,
                         digest)
values ('plain', 0, now(), $1, $2, $3, 'parcel', $4, $5, '', $6, $7::json, '')
on conflict do nothing
"""
_ENTITY = """
insert into plain.entities (tenant, from_revision, kind, key, state, sequence, data, latest, created, ended)
values ('plain', 0, 'parcel', $1, 'live', $2, $3::json, '', '', '')
on conflict (tenant, kind, key, to_revision) do update set sequence = excluded.sequence, data = excluded.data
"""


class Event(BaseModel):
    """A CloudEvent."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    sequence: str
    data: dict[str, Any]


def application(database: str) -> FastAPI:
    """Builds the service. ``database``: URL of PostgreSQL."""
    pools: list[asyncpg.Pool[asyncpg.Record]] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(database, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
            pools.append(pool)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/events", status_code=202)
    async def accept(event: Event) -> dict[str, int]:
        data = orjson.dumps(event.data).decode()
        async with pools[0].acquire() as conn, conn.transaction():
            values = event.source, event.id, event.type, event.subject, event.sequence, event.time, data
            await conn.execute(_FACT, *values)
            await conn.execute(_ENTITY, event.subject, event.sequence, data)
        return {"accepted": 1}

    return app


def main() -> None:
    """Serves with the settings of ``tether serve``."""
    app = application(sys.stdin.readline().strip())
    port = int(sys.argv[1])
    uvicorn.run(app, host=LOOPBACK, port=port, log_level="warning", access_log=False, backlog=4096)


if __name__ == "__main__":
    main()
