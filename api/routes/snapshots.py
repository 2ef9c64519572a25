"""`GET /v1/snapshots`: all that a relationship, kind or replica holds at one revision, as lines."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.http import response_coding
from api.http.auth import Reader
from api.http.cloudevents import NDJSON
from api.http.dependencies import Injected
from api.http.head import is_head
from api.http.queries import AtRevision, FilterText, answer
from errors import Refused
from facts import tokens
from store.db.snapshot import snapshot
from store.read import snapshot_lines, snapshot_rows, snapshots
from store.read.snapshots import SnapshotRow

router = APIRouter(tags=["snapshots"])

OfRelationship = Annotated[str | None, Query(description="Its links, each with its state.")]
OfKind = Annotated[str | None, Query(description="Its live entities, and the keys of it that are merged.")]
OfReplica = Annotated[str | None, Query(description="The same with the fields that this replica declares.")]

_LINES = {200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "Lines of CloudEvents."}}


@router.get("/snapshots", response_class=Response, responses=_LINES, summary="Read a snapshot")  # type: ignore[arg-type]
async def read(
    request: Request,
    who: Reader,
    deps: Injected,
    when: AtRevision,
    relationship: OfRelationship = None,
    kind: OfKind = None,
    replica: OfReplica = None,
    cursor: Annotated[
        str | None,
        Query(description="`id` of the last line that you have: goes on after it, at the revision of that snapshot."),
    ] = None,
) -> Response:
    """NDJSON, as of one revision: `snapshot-start` with the number of rows (`total`) and the `offset` after which
    `GET /v1/feed` with the same filter goes on; a line for each row, by key, in the form of the feed's items;
    `snapshot-end` with the number of rows and their checksum. An answer without that last line is not whole: go on with
    `cursor`.
    """
    given = {"relationship": relationship, "kind": kind, "replica": replica}
    lease = deps.settings.snapshot_lease
    if cursor is not None:
        row, after = await snapshots.resumed(deps.pool, who.tenant, cursor)
        rows = row.rows(deps.catalog)
        if any(name is not None and rows.filter.get(of) != name for of, name in given.items()):
            raise Refused(f"the cursor is of the snapshot of {rows.filter}; pass the same, or the cursor alone")
        async with snapshot(deps.pool, who.tenant, row.revision):
            pass  # raises Expired if its lease lapsed and something of it was trimmed
    else:
        rows = snapshot_rows.rows_of(deps.catalog, **given)
        async with when.snapshot() as at:
            revision = at.revision
    if is_head(request):
        return Response(media_type=NDJSON)
    if cursor is None:
        row, after = await snapshots.begin(deps.snapshots, who.tenant, rows, revision, who.name, lease), ""
    return response_coding.ndjson(request, snapshots.lines(deps.snapshots, who.tenant, row, rows, after, lease))


class SnapshotProgress(BaseModel):
    """A snapshot that is, or was, read."""

    id: str
    kind: str | None
    relationship: str | None
    replica: str | None
    token: str = Field(description="Token of the revision that its rows are as of.")
    offset: str = Field(description="Where the feed goes on after it.")
    actor: str = Field(description="Name of the API key that began it.")
    total: int | None = Field(description="Its rows; null: they are being counted.")
    rows_sent: int = Field(description="Rows sent so far; those sent again after an interruption count again.")
    started_at: str
    last_read_at: str
    ended_at: str | None = Field(description="When its last row was sent; null: it is being read, or was given up.")
    leased: bool = Field(description="Whether what it needs is kept.")
    leased_until: str = Field(description="Until then, unless it is read further.")


@router.get("/snapshots/{id}", response_model=SnapshotProgress, summary="Get the progress of a snapshot")
async def progress(id: Annotated[FilterText, Path()], who: Reader, deps: Injected) -> Response:
    """Who reads it, what, since when, and how far."""
    row = await snapshots.find(deps.pool, who.tenant, id)
    return answer(_shown(who.tenant, row))


def _shown(tenant: str, row: SnapshotRow) -> dict[str, object]:
    shown = row._asdict()
    for internal in ("revision", "time", "counted_key", "counted_rows", "counted_sum"):
        del shown[internal]
    return {
        **shown,
        "token": tokens.token(tenant, row.revision),
        "offset": snapshot_lines.offset_after(tenant, row.revision),
    }
