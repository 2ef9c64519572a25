"""Switches misbehaviour on and off while the service runs."""

from typing import get_args

from fastapi import APIRouter, Response

from examples.owner.misbehaviour.settings import Misbehaviour, MisbehaviourSettings, Way


def routes(misbehaviour: Misbehaviour) -> APIRouter:
    """``PUT``, ``GET`` and ``DELETE /misbehaviour``; on the event loop, as all else that reads the settings."""
    router = APIRouter(prefix="/misbehaviour", tags=["misbehaviour"])

    @router.put("")
    async def put(settings: MisbehaviourSettings) -> dict[str, object]:
        """Misbehave in these ways and no others, from now on."""
        misbehaviour.set(settings)
        return _report(misbehaviour)

    @router.get("")
    async def show() -> dict[str, object]:
        """``{"settings": …, "struck": {way: times since the process started}}``."""
        return _report(misbehaviour)

    @router.delete("", status_code=204)
    async def delete() -> Response:
        """Behave."""
        misbehaviour.set(MisbehaviourSettings())
        return Response(status_code=204)

    return router


def _report(misbehaviour: Misbehaviour) -> dict[str, object]:
    struck = {way: misbehaviour.struck[way] for way in get_args(Way)}
    return {"settings": misbehaviour.settings.model_dump(), "struck": struck}
