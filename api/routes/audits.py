"""`GET /v1/audits`: checksums with which a consumer proves its copy, or finds the keys that differ."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.auth import Reader
from api.http.dependencies import Dependencies, Injected
from api.http.queries import DEFAULT_WAIT, ReadAt, answer
from api.routes.snapshots import OfKind, OfRelationship, OfReplica
from errors import Refused
from facts import tokens
from store.db.snapshot import snapshot
from store.read import audits, feed_offsets, snapshot_rows
from store.read.feed_query import FeedQuery, query_for

router = APIRouter(tags=["snapshots"])

PREFIXES = 100
"""In one request."""
_PREFIX = re.compile("[0-9a-f]{0,63}")


class AuditedBucket(BaseModel):
    """The rows of the keys whose SHA-256 begins with a prefix."""

    prefix: str = Field(examples=["3f"])
    count: int
    sum: str = Field(description="Of the hashes of its rows, modulo 2^64: 16 hexadecimal digits.")


class AuditedRow(BaseModel):
    """One row."""

    key: str
    hash: str = Field(description="The first 8 bytes of the SHA-256 of its canonical JSON: 16 hexadecimal digits.")


class AuditResponse(BaseModel):
    """Checksums as of one revision."""

    token: str = Field(description="Token of the revision that the answer is as of.")
    buckets: list[AuditedBucket] | None = Field(
        default=None, description="Those below the prefixes that hold a row, each with a prefix one digit longer."
    )
    rows: list[AuditedRow] | None = Field(default=None, description="The rows of the buckets, if `rows` is true.")


@router.get("/audits", response_model=AuditResponse, response_model_exclude_unset=True, summary="Audit a copy")
async def audit(
    who: Reader,
    deps: Injected,
    relationship: OfRelationship = None,
    kind: OfKind = None,
    replica: OfReplica = None,
    at: Annotated[
        str | None,
        Query(description="Which revision your copy is of: a token, or the offset it is at. Default: the newest."),
    ] = None,
    prefix: Annotated[
        list[str] | None,
        Query(description="Of the SHA-256 of the keys, in hex; several have the same length. Default: all keys."),
    ] = None,
    rows: Annotated[bool, Query(description="Each row in the buckets, instead of the buckets below them.")] = False,
) -> Response:
    """Compare the sums of your rows with these, bucket by bucket, and go on below those that differ: `tether/audits.py`
    does it, and defines the rows, their hashes and the buckets. Every request reads all rows once."""
    wanted = snapshot_rows.rows_of(deps.catalog, relationship=relationship, kind=kind, replica=replica)
    prefixes = list(dict.fromkeys(prefix or audits.ROOT))
    if len(prefixes) > PREFIXES or len({*map(len, prefixes)}) > 1 or not all(map(_PREFIX.fullmatch, prefixes)):
        raise Refused(f"pass up to {PREFIXES} prefixes of one length, of the digits 0 to 9 and a to f, at most 63 each")
    query = query_for(deps.catalog, relationship, kind, replica=replica)
    revision = await _revision(deps, who.tenant, query, at)
    body: dict[str, object] = {"token": tokens.token(who.tenant, revision)}
    if not rows:
        buckets = await audits.buckets(deps.snapshots, who.tenant, revision, wanted, prefixes)
        shown = [{"prefix": name, "count": b.rows, "sum": f"{b.sum:016x}"} for name, b in sorted(buckets.items())]
        return answer({**body, "buckets": shown})
    most = deps.settings.limits.page
    found = await audits.hashes(deps.snapshots, who.tenant, revision, wanted, prefixes, most)
    if len(found) > most:
        raise Refused(f"the buckets hold more than {most} rows; pass fewer or longer prefixes")
    return answer({**body, "rows": [{"key": key, "hash": f"{hash:016x}"} for key, hash in sorted(found.items())]})


async def _revision(deps: Dependencies, tenant: str, query: FeedQuery, at: str | None) -> int:
    """The revision that a token or offset stands for, once it is there. Raises BadToken, Refused, NotYet, Expired."""
    token = None
    if at is not None:
        position = feed_offsets.decode(tenant, at)
        async with snapshot(deps.snapshots, tenant) as newest:
            token = tokens.token(tenant, await audits.complete_revision(newest, query, position))
    async with ReadAt(deps, tenant, token, None, DEFAULT_WAIT).snapshot() as opened:
        return opened.revision
