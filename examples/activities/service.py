"""Activities: what people did, as apps and shops report it. It only ever adds: an activity keeps the key that the
person had in the app, whatever happens to profiles."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId, Name, fresh_key
from examples.owner.idempotency import Incoming
from examples.owner.service import Kit, OwnerService


class NewActivity(BaseModel):
    """Body of ``POST /activities``."""

    person_id: EntityId = Field(description="The person, by the key that the reporter knows.")
    what: Name
    id: EntityId = Field(default_factory=fresh_key, description="Chosen by the caller, or generated.")
    time: AwareDatetime | None = Field(None, description="When it happened; null: now.")


def _routes(kit: Kit) -> APIRouter:
    activities, outbox, commands = kit.of("activity"), kit.outbox, kit.commands
    router = APIRouter(prefix="/activities", tags=["activities"])

    @router.post("", status_code=201)
    def create(new: NewActivity, command: Incoming, carried: Carried) -> Response:
        """Record what a person did. 409: there is an activity with this id."""

        def effect(tx: Transaction) -> Response:
            fields = {"person_id": new.person_id, "what": new.what}
            activity = activities.create(tx, new.id, fields)
            time = None if new.time is None else new.time.astimezone(UTC)
            outbox.add(tx, "ActivityRecorded.v1", activity, fields, carried, time)
            return activity.answer(201)

        return commands.once(command, effect)

    @router.get("")
    def page(
        after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100, person_id: str | None = None
    ) -> dict[str, object]:
        """Activities, all or those of one key, in the order of their ids; ``after``: last id of the page before."""
        having = {} if person_id is None else {"person_id": person_id}
        return {"items": [activity.document for activity in activities.page(after, limit, **having)]}

    return router


ACTIVITIES = OwnerService(source="/activities", routes=_routes)
