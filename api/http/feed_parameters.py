"""The parameters of `GET /v1/feed`."""

from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError

from api.http.auth import CONSUMER_NAME, Reader
from api.http.dependencies import dependencies_of
from api.http.feed_request import BATCH, JSON, NDJSON, SSE, FeedRequest, Live
from api.http.head import is_head
from api.http.queries import FilterText
from catalog import limits as names
from catalog.replica import Replica
from errors import Expired, Refused
from facts.media_type import essence
from store.consumers import registrations
from store.read import feed_offsets
from store.read.feed_offsets import BEGINNING, FeedPosition
from store.read.feed_query import query_for

_FORMS = {JSON: JSON, BATCH: BATCH, NDJSON: NDJSON, "application/ndjson": NDJSON, "application/jsonl": NDJSON, SSE: SSE}

FIRST, TAIL = "-1", "now"
"""Offsets that name the beginning of the feed, and its end at the time of the request."""

LONG_POLL = 20.0
"""Seconds that a long poll waits, if the request does not say."""


async def feed_request(
    request: Request,
    who: Reader,
    offset: Annotated[
        FilterText | None,
        Query(
            description="Where to go on: the `Stream-Next-Offset` of an answer, the `id` of an item, or a token; `-1` "
            "(default): the beginning; `now`: the end."
        ),
    ] = None,
    live: Annotated[
        Live | None,
        Query(description="Wait for items: for the next one, or on an open connection (`sse`, or `stream` of lines)."),
    ] = None,
    limit: Annotated[
        int | None, Query(ge=1, description="Maximum number of items in a page; the server has a limit.")
    ] = None,
    relationship: Annotated[FilterText | None, Query(description="Only links and facts of this relationship.")] = None,
    kind: Annotated[
        FilterText | None,
        Query(description="Only entities of this kind, and activity: about them, or of the feed of this name."),
    ] = None,
    parent: Annotated[
        FilterText | None, Query(description="Only links of `relationship` that have, or had, this parent.")
    ] = None,
    replica: Annotated[
        FilterText | None, Query(description="Only entities of this replica's kind, with its fields alone.")
    ] = None,
    declaration: Annotated[
        FilterText | None,
        Query(description="With `replica`: that of your snapshot's first line; 410 if it is another one by now."),
    ] = None,
    filters: Annotated[
        FilterText | None,
        Query(
            description="Only items whose attributes match: JSON, in the CloudEvents dialects `exact`, `prefix`, "
            '`suffix`, `all`, `any`, `not`, as `[{"exact": {"type": "Linked"}}]`.'
        ),
    ] = None,
    changes: Annotated[
        Literal["only"] | None,
        Query(description="Leave out entities of which nothing has changed that the answer would show."),
    ] = None,
    with_: Annotated[
        Literal["previous"] | None,
        Query(alias="with", description="Add to the items of entities what the version before was."),
    ] = None,
    consumer: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=names.NAME,
            pattern=CONSUMER_NAME,
            description="What this consumer reads: by its filter, and from its position on unless an offset is given.",
        ),
    ] = None,
    last_event_id: Annotated[
        FilterText | None,
        Query(alias="lastEventId", description="As `offset`: the `id` of the last item (HTTP Feeds)."),
    ] = None,
    milliseconds: Annotated[
        float | None,
        Query(alias="timeout", ge=0, description="Milliseconds to wait for an item, up to the server's limit."),
    ] = None,
    cursor: Annotated[str, Query(description="`Stream-Cursor` of the answer before.")] = "",
) -> FeedRequest:
    """Reads the parameters. Raises BadToken for an offset that is none, Unknown for a name that is not declared."""
    deps = dependencies_of(request)
    limits = deps.settings.limits
    if limit is not None and limit > limits.page:
        raise RequestValidationError(
            [{"loc": ("query", "limit"), "msg": f"at most {limits.page} items in a page", "type": "less_than_equal"}]
        )
    form = _form(request.headers.get("accept", ""), live)
    given = {
        "relationship": relationship,
        "kind": kind,
        "parent": parent,
        "replica": replica,
        "filters": filters,
        "changes": changes,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    start = FIRST
    if consumer is not None:
        if chosen:
            raise Refused(f"{', '.join(chosen)}: the consumer {consumer} has a filter of its own; leave the others out")
        found = await registrations.find(deps.pool, who.tenant, consumer)
        chosen, start = found.filter, found.position
    query = query_for(deps.catalog, **chosen, previous=with_ == "previous")
    _check_declaration(query.replica, declaration)
    unless_given = LONG_POLL if live == "long-poll" else 0.0
    return FeedRequest(
        tenant=who.tenant,
        query=query,
        selection=(*chosen.items(), *([("with", with_)] if with_ else [])),
        form=form,
        position=_position(who.tenant, start, offset, last_event_id, request.headers.get("last-event-id")),
        moving=consumer is not None,
        live=live,
        limit=limit or limits.page,
        whole=limit is None,
        wait=min(unless_given if milliseconds is None else milliseconds / 1000, limits.wait),
        cursor=cursor,
        head=is_head(request),
        if_none_match=request.headers.get("if-none-match", ""),
    )


Feed = Annotated[FeedRequest, Depends(feed_request)]


def _form(accept: str, live: Live | None) -> str:
    """The representation: the first that the client names and that is known; JSON otherwise."""
    if live is not None:
        return {"long-poll": JSON, "sse": SSE, "stream": NDJSON}[live]
    named = [essence(part) for part in accept.split(",")]
    return next((_FORMS[name] for name in named if name in _FORMS), JSON)


def _check_declaration(replica: Replica | None, copied: str | None) -> None:
    """Raises Expired if a copy was made by another declaration of its replica: rows that do not change would keep its
    fields."""
    if copied is not None and (replica is None or copied != replica.declaration):
        resync = "/v1/snapshots" if replica is None else f"/v1/snapshots?replica={replica.name}"
        raise Expired("the replica is declared otherwise than your snapshot has it; read another one", resync=resync)


def _position(
    tenant: str, start: str, offset: str | None, last: str | None, resumed: str | None
) -> FeedPosition | None:
    """The position to go on from; ``start`` if the client names none. ``resumed``: the header field of a client that
    reconnects, which knows better than the URL that it was given first."""
    if last in ("", "null"):
        last = None  # a client of HTTP Feeds that has read nothing yet
    if offset is not None and last is not None:
        raise Refused("offset and lastEventId say the same; pass one of them")
    given = resumed or offset or last or start
    if given == TAIL:
        return None
    return BEGINNING if given == FIRST else feed_offsets.decode(tenant, given)
