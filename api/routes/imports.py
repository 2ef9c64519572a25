"""`POST /v1/import`: the facts of an export, as `tether export` wrote them."""

from functools import partial

from fastapi import APIRouter, Request, Response

from api.http import cloudevents
from api.http.auth import Administrator
from api.http.dependencies import Injected
from api.routes.events import EventsRecorded, record_stream
from errors import Malformed
from facts.exported import ImportValidator
from facts.ingest import Batch

router = APIRouter(tags=["facts"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {cloudevents.NDJSON: {"schema": {"type": "string", "description": "One event per line."}}},
    }
}


@router.post("/import", status_code=202, response_model=EventsRecorded, openapi_extra=_BODY, summary="Import an export")
async def import_facts(request: Request, who: Administrator, deps: Injected) -> Response:
    """Records facts of an export: as `POST /v1/events` does, and besides those of the source `/tether`, which merge,
    link and void. It takes a key with the scope `admin`.

    The lines have to come in their order, which is that of their arrival: `tether import` sends them so.
    """
    if cloudevents.media_type(request.headers) != cloudevents.NDJSON:
        raise Malformed("body", f"is no {cloudevents.NDJSON}")
    validator = ImportValidator(deps.catalog, deps.settings.limits)
    new_batch = partial(Batch, validator, None, 2 * deps.settings.limits.fact, False)
    return await record_stream(request, deps, who, new_batch, False)
