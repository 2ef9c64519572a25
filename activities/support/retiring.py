"""Sends the requests to retire losers of a merge, as many at once as their owner has slots for."""

import asyncio
from collections.abc import Sequence
from functools import partial

from temporalio.exceptions import ApplicationError

from activities.support import owner_requests
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from catalog.vocabulary import Command
from errors import Failed, Gone, Outdated, Refused, Unavailable, Unsent
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways import answers
from gateways.answers import Step
from gateways.owners import AT_ONCE, Owners
from messages.child_reasons import ParkReason
from messages.operations import SweepInput
from store.db.pool import Pool
from store.operations import retirements
from store.operations.children import ChildOutcome, RequestedState
from store.operations.retirements import LoserToRetire

_ERROR_LENGTH = 400  # characters of an error that are stored


class Retiring:
    """The requests of one activity. ``unavailable``: the error of the last request that found the owner unavailable, or
    empty; ``retry_after``: the owner's longest Retry-After in seconds."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners, sweep: SweepInput, command: type[Command]) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners
        self._sweep = sweep
        self._command = command
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._suspects: set[str] = set()
        self.unavailable = ""
        self.retry_after = 0.0

    async def send(self, page: Sequence[LoserToRetire]) -> list[ChildOutcome]:
        """Sends the request for each loser of a page; returns the outcomes of those that were to be sent.

        An attempt at which the owner failed counts only if it served another loser of the page.
        """
        self._suspects.clear()
        found = await asyncio.gather(*(self._send(loser) for loser in page))
        outcomes = [outcome for outcome in found if outcome is not None]
        if all(outcome.state == "failing" for outcome in outcomes):
            return outcomes
        return [o._replace(counted=True) if o.child in self._suspects else o for o in outcomes]

    async def _send(self, loser: LoserToRetire) -> ChildOutcome | None:
        at = self._sweep.subject
        still_pending = partial(
            retirements.to_request,
            self._pool,
            at.tenant,
            at.about,
            self._sweep.operation,
            losers=[loser.loser],
            repeat=self._sweep.repeat,
            limit=1,
        )
        async with self._slots:
            try:
                if not await owner_requests.send(self._pool, self._owners, self._request(loser), still_pending):
                    return None
            except (Unavailable, Refused) as error:
                return self._failed(loser, error)
            except ApplicationError as error:  # all of the owner's slots are taken
                self.unavailable = self.unavailable or error.message
                return self._outcome(loser, "failing", error.message)._replace(sent=False)
        return self._outcome(loser, "requested")

    def _request(self, loser: LoserToRetire) -> OwnerRequest:
        """Raises Refused if the command cannot be filled."""
        tenant, kind, operation = self._sweep.subject.tenant, self._sweep.subject.about, self._sweep.operation
        return OwnerRequest(
            tenant=tenant,
            owner=self._catalog.owner_of(kind),
            command=filled(self._command, loser.loser, loser.data, target=("survivor", loser.survivor)),
            idempotency_key=derived_id("retire", tenant, operation, loser.loser, loser.renewals),
            correlation=encode_operation(operation),
            causation=operation,
            varies=varies(self._command, "survivor"),
        )

    def _failed(self, loser: LoserToRetire, error: Unavailable | Refused) -> ChildOutcome:
        """The outcome of an attempt that failed, by the table of ``answers``."""
        what_next, message = answers.step("child", error), str(error)[:_ERROR_LENGTH]
        if what_next is Step.REFUSE:
            return self._outcome(loser, "parked", message)._replace(park_reason=ParkReason("request_refused"))
        if isinstance(error, Gone | Outdated):
            # The owner has no such record: its fact is on its way. If none arrives, the loser is requested again.
            outcome = self._outcome(loser, "requested", message)
            return outcome._replace(counted=True, reported_missing=True, renewed=what_next is Step.RENEW)
        self.unavailable = str(error)
        counted = what_next is Step.LIMITED
        if isinstance(error, Unavailable):
            self.retry_after = max(self.retry_after, error.retry_after)
        if isinstance(error, Failed):
            self._suspects.add(loser.loser)
            counted = False
        return self._outcome(loser, "failing", message)._replace(counted=counted, sent=not isinstance(error, Unsent))

    def _outcome(self, loser: LoserToRetire, state: RequestedState, message: str = "") -> ChildOutcome:
        return ChildOutcome(loser.loser, loser.survivor, state, loser.reference, message)
