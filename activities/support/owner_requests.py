"""Sends one request to an owner as soon as it has a free slot. Every attempt sends the body of the first."""

from temporalio import activity

from activities.support.failures import later
from catalog.owner_request import OwnerRequest
from errors import Busy
from gateways.owners import Owners
from store.db.pool import Pool
from store.operations import request_bodies

SLOT_TIMEOUT = 8.0
"""Seconds that an activity waits for a slot: less than its timeout without that of the request."""


async def send(pool: Pool, owners: Owners, request: OwnerRequest) -> None:
    """Called within an activity. A local activity does not wait for a slot: its workflow would be blocked meanwhile.

    Raises Refused or Unavailable; if all slots are taken, an ApplicationError by which Temporal repeats the activity
    soon.
    """
    try:
        async with request_bodies.first(pool, request) as first:
            await owners.send(first, slot_timeout=0.0 if activity.info().is_local else SLOT_TIMEOUT)
    except Busy as error:
        raise later(error) from None
