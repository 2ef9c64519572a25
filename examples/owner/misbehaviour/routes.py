"""Endpoints that change the misbehaviour of a running service."""

from typing import get_args

from fastapi import APIRouter, Response

from examples.owner.misbehaviour.settings import Misbehaviour, MisbehaviourSettings, Way


def routes(misbehaviour: Misbehaviour) -> APIRouter:
    """``PUT``, ``GET`` and ``DELETE /misbehaviour``. They run on the event loop, as all readers of the settings do."""
    router = APIRouter(prefix="/misbehaviour", tags=["misbehaviour"])

    @router.put("")
    async def put(settings: MisbehaviourSettings) -> dict[str, object]:
        """Replace the settings; they apply from the next request."""
        misbehaviour.set(settings)
        return _report(misbehaviour)

    @router.get("")
    async def show() -> dict[str, object]:
        """``{"settings": …, "struck": {way: times since the process started}}``."""
        return _report(misbehaviour)

    @router.delete("", status_code=204)
    async def delete() -> Response:
        """Stop all misbehaviour."""
        misbehaviour.set(MisbehaviourSettings())
        return Response(status_code=204)

    return router


def _report(misbehaviour: Misbehaviour) -> dict[str, object]:
    struck = {way: misbehaviour.struck[way] for way in get_args(Way)}
    return {"settings": misbehaviour.settings.model_dump(), "struck": struck}
