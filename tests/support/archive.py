"""The service that owns folders, shares and holds. As a process: ``python -m tests.support.archive --help``."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from examples.owner.correlation import Carried
from examples.owner.database import Transaction
from examples.owner.idempotency import Incoming
from examples.owner.problems import RequestRefused
from examples.owner.process import main
from examples.owner.service import Kit, OwnerService

FIELDS = {"folder": ("parent", "share"), "share": ("of",), "hold": ("of",)}
"""kind → its fields, each of which holds the key of a parent, or null."""
FACTS = {
    "folder": ("FolderCreated.v1", "FolderDeleted.v1"),
    "share": ("ShareCreated.v1", "ShareDeleted.v1"),
    "hold": ("HoldPlaced.v1", "HoldLifted.v1"),
}
Parent = Annotated[str | None, Body()]


def _routes(kit: Kit) -> APIRouter:
    router = APIRouter()
    for kind in FIELDS:
        router.include_router(_things(kit, kind))
    router.include_router(_moves(kit))
    return router


def _things(kit: Kit, kind: str) -> APIRouter:
    things, outbox, commands, (created, deleted) = kit.of(kind), kit.outbox, kit.commands, FACTS[kind]
    router = APIRouter(prefix=f"/{kind}")

    @router.post("/{key}", status_code=201)
    def create(
        key: str, command: Incoming, carried: Carried, parent: Parent = None, share: Parent = None, of: Parent = None
    ) -> Response:
        given = {"parent": parent, "share": share, "of": of}
        fields = {name: given[name] for name in FIELDS[kind]}

        def effect(tx: Transaction) -> Response:
            thing = things.create(tx, key, fields)
            outbox.add(tx, created, thing, fields, carried)
            return thing.answer(201)

        return commands.once(command, effect)

    @router.delete("/{key}", status_code=204)
    def delete(
        key: str,
        command: Incoming,
        carried: Carried,
        still_in: str | None = None,
        still_shared: str | None = None,
        still_of: str | None = None,
    ) -> Response:
        def effect(tx: Transaction) -> Response:
            fields = things.live(tx, key).fields
            for name, wanted in (("parent", still_in), ("share", still_shared), ("of", still_of)):
                if wanted is not None and fields[name] != wanted:
                    raise RequestRefused(412, "precondition", f"{key} is not in {wanted}")
            outbox.add(tx, deleted, things.delete(tx, key, command.condition), {}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


def _moves(kit: Kit) -> APIRouter:
    folders, outbox, commands = kit.of("folder"), kit.outbox, kit.commands
    router = APIRouter(prefix="/folder")

    @router.post("/{key}/moves", status_code=204)
    def move(key: str, command: Incoming, carried: Carried, parent: Parent = None, still_in: Parent = None) -> Response:
        def effect(tx: Transaction) -> Response:
            if still_in is not None and folders.live(tx, key).fields["parent"] != still_in:
                raise RequestRefused(412, "precondition", f"{key} is not in {still_in}")
            folder, changed = folders.change(tx, key, command.condition, {"parent": parent})
            if changed:
                outbox.add(tx, "FolderMoved.v1", folder, {"parent": parent}, carried)
            return Response(status_code=204)

        return commands.once(command, effect)

    return router


ARCHIVE = OwnerService(source="/archive", routes=_routes)

if __name__ == "__main__":
    main(ARCHIVE)
