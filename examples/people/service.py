"""People: the owner of profiles, of which one person may have several. It publishes facts about them.

A profile is retired when its person goes on as another one: it is deleted, and remembers which one that is. The service
checks that the other one exists, so that no person is lost: else the request is refused (409) and changes nothing.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from examples.owner.conditions import ALWAYS
from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.idempotency import Incoming
from examples.owner.problems import RequestRefused
from examples.owner.service import Kit, OwnerService
from examples.people.bodies import NewProfile, ProfileChange, Retirement


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter(tags=["people"])
    router.include_router(_changes(kit))
    router.include_router(_ends(kit))
    router.include_router(_reads(kit))
    return router


def _changes(kit: Kit) -> APIRouter:
    people, outbox, commands = kit.of("person"), kit.outbox, kit.commands
    router = APIRouter(prefix="/people")

    @router.post("", status_code=201)
    def create(new: NewProfile, command: Incoming, carried: Carried) -> Response:
        """Create a profile; a deleted one is created again. 409: a live profile has this id."""

        def effect(tx: Transaction) -> Response:
            fields = new.model_dump(exclude={"id"})
            person = people.create(tx, new.id, fields)
            outbox.add(tx, "PersonCreated.v1", person, fields, carried)
            return person.answer(201)

        return commands.once(command, effect)

    @router.patch("/{key}")
    def change(key: str, changed: ProfileChange, command: Incoming, carried: Carried) -> Response:
        """Change fields of a profile; present values change nothing.

        404: unknown. 410: deleted. 412: another version.
        """

        def effect(tx: Transaction) -> Response:
            fields = changed.model_dump(exclude_unset=True)
            person, differs = people.change(tx, key, command.condition, fields)
            if differs:
                outbox.add(tx, "PersonChanged.v1", person, fields, carried)
            return person.answer()

        return commands.once(command, effect)

    return router


def _ends(kit: Kit) -> APIRouter:
    people, outbox, commands = kit.of("person"), kit.outbox, kit.commands
    router = APIRouter(prefix="/people")

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried) -> Response:
        """Delete a profile. 404: unknown. 410: deleted. 412: another version."""

        def effect(tx: Transaction) -> Response:
            outbox.add(tx, "PersonDeleted.v1", people.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.post("/{key}/retirements", status_code=204)
    def retire(key: str, retirement: Retirement, command: Incoming, carried: Carried) -> Response:
        """Retire a profile whose person goes on as another one: it is deleted.

        404: unknown. 409: there is no other profile ``survivor``. 410: deleted. 412: another version.
        """

        def effect(tx: Transaction) -> Response:
            people.live(tx, key)
            if retirement.survivor == key or people.find(tx, retirement.survivor) is None:
                reason = f"There is no other profile {retirement.survivor!r}. Name one that exists."
                raise RequestRefused(409, "no-survivor", reason)
            people.change(tx, key, command.condition, {"goes_on_as": retirement.survivor})
            outbox.add(tx, "PersonDeleted.v1", people.delete(tx, key, ALWAYS), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.post("/{key}/erasures", status_code=204)
    def erase(key: str, command: Incoming, carried: Carried) -> Response:
        """Erase what is kept of the person in a profile. 404: unknown. 410: deleted. 412: another version."""

        def effect(tx: Transaction) -> Response:
            fields = {"name": "", "email": None, "phone": None, "labels": None}
            person, differs = people.change(tx, key, command.condition, fields)
            if differs:
                outbox.add(tx, "PersonChanged.v1", person, fields, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


def _reads(kit: Kit) -> APIRouter:
    people = kit.of("person")
    router = APIRouter(prefix="/people")

    @router.get("")
    def page(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, object]:
        """Profiles, in the order of their ids; ``after``: last id of the page before."""
        return {"items": [person.document for person in people.page(after, limit)]}

    @router.get("/{key}")
    def show(key: str) -> Response:
        """One profile, with its version as ``ETag``. 404: unknown. 410: deleted."""
        return people.get(key).answer()

    return router


PEOPLE = OwnerService(source="/people", routes=_routes)
