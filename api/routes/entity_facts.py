"""`GET /v1/entities/{kind}/{key}/facts`: the facts about one entity as they were recorded."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.http.dependencies import Injected
from api.http.key_paths import after_key
from api.http.paging import Cursor, Limit, Listing, Page
from api.http.queries import AtRevision, KeyText, answer
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from errors import Unknown
from facts import tokens
from facts.reading import apply
from store.db.snapshot import Snapshot
from store.read import entities, entity_facts
from store.read.entity_facts import ListedFact
from store.write.ledger import effect_of

router = APIRouter(route_class=after_key("facts"))


class NewerFact(BaseModel):
    """The fact that a stale fact is older than."""

    source: str
    id: str


class ReadFact(BaseModel):
    """A fact of an older version as one of the newest."""

    type: str = Field(examples=["UserCreated.v2"])
    data: dict[str, Any]


class EntityFact(BaseModel):
    """A fact of the ledger about one entity."""

    source: str = Field(examples=["/teams"])
    id: str
    type: str = Field(examples=["TeamCreated.v1"])
    effect: Literal["created", "changed", "deleted"] | None = Field(
        description="What it does to the entity; null: a fact of Tether's own, or of a type that is no longer declared."
    )
    sequence: str | None
    time: datetime | None = Field(description="The event's time; null: it has none.")
    received: datetime = Field(description="When it was recorded.")
    position: int = Field(description="Its arrival: 1, 2, 3, … among all facts of the tenant.")
    revision: str = Field(description="Token of the revision at which it was recorded.")
    correlation_id: str | None
    data: dict[str, Any] = Field(description="As it was published.")
    read_as: ReadFact | None = Field(
        description="The type and data that the entity follows from, where the fact is of an older version; null: it "
        "is read as it is."
    )
    published: dict[str, Any] | None = Field(
        description="What was published, where the ledger holds something else: the `subject` in another spelling; or, "
        "beside its first fact, the `type`, `subject` and `data` of a message that was mapped. null: as it is listed."
    )
    emptied: str | None = Field(
        description="Why the data is empty although the fact had some, such as `trimmed`; null: it is as recorded."
    )
    stale: bool = Field(
        description="Whether a newer fact about the entity was known when it arrived. A stale fact changes only fields "
        "that no newer fact has set. Facts of Tether's own are never stale."
    )
    older_than: NewerFact | None = Field(
        description="Of a stale fact: the newest fact that was known when it arrived; null: it is not stale."
    )
    voided: bool = Field(description="Whether an operator has voided it: it has no effect on the entity any more.")
    void_reason: str | None = Field(description="Why it was voided; null: it was not, or without a reason.")


class EntityFactPage(Page):
    """A page of the facts about one entity, the last arrival first."""

    items: list[EntityFact]


@router.get(
    "/entities/{kind}/{key:key}/facts",
    response_model=EntityFactPage,
    summary="List the facts about an entity",
)
async def facts(
    kind: str,
    key: Annotated[KeyText, Path()],
    when: AtRevision,
    deps: Injected,
    limit: Limit,
    stale: Annotated[bool, Query(description="Only facts that were older than what was known.")] = False,
    cursor: Cursor = None,
) -> Response:
    """As they were recorded, the last arrival first; Tether's own facts about the entity are among them.

    Facts are listed as of the newest revision, so `as_of` can only name that one. A page is limited in bytes, too, and
    holds fewer items where facts are large; as long as `next` is not null, there may be more.
    """
    owner = deps.catalog.owner_of(kind)
    listing = Listing(when.tenant, "entity_facts", kind, key, stale)
    (before,) = listing.place(cursor, (int,)) or [None]
    async with when.newest() as at:
        # Facts about single elements of a list are no older or newer facts of the entity.
        apart = [t for t, c in deps.catalog.contracts.by_type.items() if c.about is not None or c.element is not None]
        found, more = await entity_facts.page(at, kind, deps.key(kind, key), before, limit, stale=stale, activity=apart)
        if not found and await entities.find_state(at, kind, deps.key(kind, key)) is None:
            raise Unknown(f"no {kind} {key!r}: {owner} has published no fact about it, and no fact refers to it")
    return answer(
        {
            "items": [_item(deps.catalog, at, fact) for fact in found],
            "next": listing.next([found[-1].position] if more else None),
            "token": tokens.token(at.tenant, at.revision),
        }
    )


def _read_as(catalog: Catalog, fact: ListedFact) -> dict[str, Any] | None:
    """What is emptied holds what is left of it as it was read then."""
    reading = catalog.contracts.readings.get(fact.type)
    if reading is None or fact.source == OWN_SOURCE or fact.emptied is not None:
        return None
    return {"type": reading.contract.wire_type, "data": apply(reading, fact.data)}


def _item(catalog: Catalog, at: Snapshot, fact: ListedFact) -> dict[str, Any]:
    return {
        "source": fact.source,
        "id": fact.id,
        "type": fact.type,
        "effect": effect_of(catalog, fact.source, fact.type),
        "sequence": fact.sequence,
        "time": fact.time,
        "received": fact.received,
        "position": fact.position,
        "revision": tokens.token(at.tenant, fact.revision),
        "correlation_id": fact.correlation,
        "data": fact.data,
        "read_as": _read_as(catalog, fact),
        "published": fact.published,
        "emptied": fact.emptied,
        "stale": fact.older_than is not None,
        "older_than": fact.older_than and dict(zip(("source", "id"), fact.older_than, strict=True)),
        "voided": fact.voided,
        "void_reason": fact.void_reason,
    }
