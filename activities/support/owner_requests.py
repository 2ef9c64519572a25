"""Sends one request to an owner as soon as it has a free slot. Every attempt sends the body of the first."""

import time
from collections.abc import Awaitable, Callable

from temporalio import activity

from activities.support.failures import later
from catalog.owner_request import OwnerRequest
from errors import Busy, Withdrawn
from gateways.owners import Owners
from store.db.pool import Pool
from store.operations import request_bodies

SLOT_TIMEOUT = 8.0
"""Seconds that an activity waits for a slot: less than its timeout without that of the request."""
FRESH = 0.5
"""Seconds: no request leaves because of rows that were read longer ago; they are read again. A change counts within
one second of its acknowledgement; the other half of it is left to slow machines."""


async def send(
    pool: Pool, owners: Owners, request: OwnerRequest, still_pending: Callable[[], Awaitable[object]]
) -> bool:
    """Called within an activity. A local activity does not wait for a slot: its workflow would be blocked meanwhile.

    ``still_pending``: called if the request has waited for its slot; if it returns a false value the request is not
    sent. Returns whether it was sent. Raises Refused or Unavailable; if all slots are taken, an ApplicationError by
    which Temporal repeats the activity soon.
    """
    read_at = time.monotonic()

    async def check() -> None:
        if time.monotonic() - read_at >= FRESH and not await still_pending():
            raise Withdrawn(f"{type(request.command).__name__} is no longer to be sent")

    try:
        async with request_bodies.first(pool, request) as first:
            await owners.send(first, slot_timeout=0.0 if activity.info().is_local else SLOT_TIMEOUT, before=check)
    except Withdrawn:
        return False
    except Busy as error:
        raise later(error) from None
    return True
