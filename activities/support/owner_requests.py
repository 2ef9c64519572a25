"""One request to an owner, as moves, deletions and counterparts make it: alone, in its turn, in its first words."""

from temporalio import activity

from activities.support.failures import later
from catalog.vocabulary import Command
from errors import Busy
from gateways.owners import Owners
from store.db.pool import Pool
from store.operations import request_bodies

FOR_A_SLOT = 8.0
"""Seconds that a task of its own waits for its turn at an owner: less than the task's time without the request's."""


async def ask(
    pool: Pool,
    owners: Owners,
    owner: str,
    command: Command,
    *,
    tenant: str,
    key: str,
    correlation: str,
    causation: str,
    varies: bool = True,
) -> None:
    """Within an activity; a local one does not wait for its turn, since it holds up its workflow.

    ``key``: the Idempotency-Key; ``varies``: whether ``command`` might be another one at the next attempt.
    Raises Refused or Unavailable; and, if only we are in our own way, what has the activity tried again soon.
    """
    try:
        async with request_bodies.first(pool, tenant, key, command, varies=varies) as worded:
            await owners.ask(
                owner,
                worded,
                idempotency_key=key,
                correlation=correlation,
                causation=causation,
                patience=0.0 if activity.info().is_local else FOR_A_SLOT,
            )
    except Busy as error:
        raise later(error) from None
