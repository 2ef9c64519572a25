"""Deletions of entities, which their owners carry out, with what becomes of their children."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.http.auth import Operator
from api.http.dependencies import Has
from api.http.queries import Key
from api.http.requests import IdempotencyKey
from api.routes.operations import Operation, describe
from store.operations import cascades

router = APIRouter(tags=["entities"])


@router.delete("/entities/{kind}/{key:path}", status_code=202, summary="Delete an entity, and see to its children")
async def delete(
    kind: str,
    key: Annotated[Key, Path()],
    who: Operator,
    has: Has,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Its owner is asked; once it has told that the entity is gone, its children follow their relationships' policy.

    `keep`: they stay. `restrict`: as long as there are any, the deletion is refused. `cascade`, `detach`: the owner of
    each is asked to delete it, or to clear its reference, if it still belongs there. A plan (`POST /v1/plans`) shows
    beforehand what that concerns.
    """
    has.catalog.owner_of(kind)
    row = await cascades.start(
        has.pool, has.catalog, who.tenant, kind, key, actor=who.name, idempotency_key=idempotency_key
    )
    return describe(has, who.tenant, row)
