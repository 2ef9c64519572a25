"""`DELETE /v1/entities/{kind}/{key}`: a deletion by the entity's owner, and its cascade."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.http.auth import Operator
from api.http.dependencies import Injected
from api.http.queries import NewKey
from api.http.requests import IdempotencyKey
from api.routes.operations import Operation, describe
from store.operations import deletions

router = APIRouter(tags=["entities"])


@router.delete("/entities/{kind}/{key:key}", status_code=202, summary="Delete an entity")
async def delete(
    kind: str,
    key: Annotated[NewKey, Path()],
    who: Operator,
    deps: Injected,
    idempotency_key: IdempotencyKey = None,
) -> Operation:
    """Requests the deletion from the entity's owner. Once the owner's fact confirms it, the policy
    `on_parent_deleted` of each relationship applies to the entity's children.

    `keep`: they stay, with broken links. `restrict`: the deletion is refused while there are any. `cascade`, `detach`:
    the owner of each child is requested to delete it, or to clear its reference, if it still has this parent. A plan
    (`POST /v1/plans`) shows beforehand which children are affected.
    """
    deps.catalog.owner_of(kind)
    row = await deletions.start(
        deps.pool, deps.catalog, who.tenant, kind, deps.key(kind, key), actor=who.name, idempotency_key=idempotency_key
    )
    return describe(deps, who.tenant, row)
