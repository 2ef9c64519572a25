"""Users: the owner of accounts. It knows nothing of those who keep copies.

A row of its table is a user as of its last event, with a version that counts them: the snapshot. Each change writes the
row and the event, which has the version as its sequence, in one transaction; a relay publishes events in their order.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.entities import EntityId, Name, fresh_key
from examples.owner.idempotency import Incoming
from examples.owner.service import Kit, OwnerService


class NewUser(BaseModel):
    """Body of ``POST /users``."""

    name: Name
    email: str
    id: EntityId = Field(default_factory=fresh_key, description="Chosen by the caller, or generated.")
    phone: str | None = None
    birthday: str | None = Field(None, description="YYYY-MM-DD")


class UserChange(BaseModel):
    """Body of ``PATCH /users/{id}``: the fields to change."""

    name: Name | None = None
    email: str | None = None
    phone: str | None = None
    birthday: str | None = None


def _routes(kit: Kit) -> APIRouter:
    users, outbox, commands = kit.of("user"), kit.outbox, kit.commands
    router = APIRouter(prefix="/users", tags=["users"])

    @router.post("", status_code=201)
    def create(new: NewUser, command: Incoming, carried: Carried) -> Response:
        """Create a user; a deleted one is created again. 409: a live one has this id."""

        def effect(tx: Transaction) -> Response:
            fields = new.model_dump(exclude={"id"})
            user = users.create(tx, new.id, fields)
            outbox.add(tx, "UserCreated.v1", user, fields, carried)
            return user.answer(201)

        return commands.once(command, effect)

    @router.patch("/{key}")
    def change(key: str, changed: UserChange, command: Incoming, carried: Carried) -> Response:
        """Change fields of a user; present values change nothing. 404: unknown. 410: deleted. 412: another version."""

        def effect(tx: Transaction) -> Response:
            fields = changed.model_dump(exclude_unset=True)
            user, differs = users.change(tx, key, command.condition, fields)
            if differs:
                outbox.add(tx, "UserChanged.v1", user, fields, carried)
            return user.answer()

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried) -> Response:
        """Delete a user. 404: unknown. 410: deleted. 412: another version."""

        def effect(tx: Transaction) -> Response:
            outbox.add(tx, "UserDeleted.v1", users.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.get("")
    def page(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, object]:
        """Users, in the order of their ids; ``after``: last id of the page before."""
        return {"items": [user.document for user in users.page(after, limit)]}

    @router.get("/{key}")
    def show(key: str) -> Response:
        """One user, with its version as ``ETag``. 404: unknown. 410: deleted."""
        return users.get(key).answer()

    return router


USERS = OwnerService(source="/users", routes=_routes)
