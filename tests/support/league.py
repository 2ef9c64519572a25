"""The service that owns the entities of the league. Each has a field ``of`` with the key of its parent, or null."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.idempotency import Incoming
from examples.owner.problems import RequestRefused
from examples.owner.service import Kit, OwnerService

KINDS = ("player", "booking", "stand", "sponsor", "photo")


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter()
    for kind in KINDS:
        router.include_router(_things(kit, kind))
    router.include_router(_sponsors(kit))
    return router


def _things(kit: Kit, kind: str) -> APIRouter:
    things, outbox, commands, fact = kit.of(kind), kit.outbox, kit.commands, kind.title()
    router = APIRouter(prefix=f"/{kind}")

    def check(tx: Transaction, key: str, still_of: str | None) -> None:
        if still_of is not None and things.live(tx, key).fields["of"] != still_of:
            raise RequestRefused(412, "precondition", f"{key} is not of {still_of}")

    @router.post("/{key}", status_code=201)
    def create(key: str, of: Annotated[str, Body(embed=True)], command: Incoming, carried: Carried) -> Response:
        def effect(tx: Transaction) -> Response:
            thing = things.create(tx, key, {"of": of})
            outbox.add(tx, f"{fact}Created.v1", thing, {"of": of}, carried)
            return thing.answer(201)

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(key: str, command: Incoming, carried: Carried, still_of: str | None = None) -> Response:
        def effect(tx: Transaction) -> Response:
            check(tx, key, still_of)
            outbox.add(tx, f"{fact}Deleted.v1", things.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    @router.delete("/{key}/of", status_code=204)
    def free(key: str, command: Incoming, carried: Carried, still_of: str | None = None) -> Response:
        def effect(tx: Transaction) -> Response:
            check(tx, key, still_of)
            nothing: dict[str, Any] = {"of": None}
            thing, changed = things.change(tx, key, command.condition, nothing)
            if changed:
                outbox.add(tx, f"{fact}Freed.v1", thing, nothing, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


def _sponsors(kit: Kit) -> APIRouter:
    sponsors, outbox, commands = kit.of("sponsor"), kit.outbox, kit.commands
    router = APIRouter(prefix="/sponsor")

    @router.put("/{key}/level", status_code=204)
    def raise_level(key: str, level: Annotated[int, Body(embed=True)], command: Incoming, carried: Carried) -> Response:
        def effect(tx: Transaction) -> Response:
            sponsor, _ = sponsors.change(tx, key, command.condition, {"level": level})
            outbox.add(tx, "SponsorRaised.v1", sponsor, {"level": level}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


LEAGUE = OwnerService(source="/league", routes=_routes)
