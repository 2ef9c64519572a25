"""Sends the requests for one page of an operation's children, as many at once as their owner has slots for."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress

from temporalio import activity

from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from catalog.relationship import Relationship
from errors import Failed, Gone, Outdated, Refused, Unavailable, Unsent
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways import answers
from gateways.answers import Step
from gateways.owners import AT_ONCE, Owners
from messages.child_reasons import ParkReason
from messages.operations import SweepInput
from store.db.pool import Pool
from store.operations import request_bodies
from store.operations.children import ChildOutcome
from store.operations.children_to_request import Candidate, CandidatePage

_ERROR_LENGTH = 400  # characters of an error that are stored


class PageRequests:
    """The requests for one page of children, and what their outcomes say about the owner.

    ``stopped``: set by the caller to leave out the requests that have not begun. ``unavailable``: the error of the last
    request that found the owner unavailable, or empty; ``retry_after``: the owner's longest Retry-After in seconds.
    """

    def __init__(
        self, pool: Pool, owners: Owners, owner: str, sweep: SweepInput, relationship: Relationship, page: CandidatePage
    ) -> None:
        self._pool = pool
        self._owners = owners
        self._owner = owner
        self._sweep = sweep
        self._relationship = relationship
        self._page = page
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._first: dict[str, request_bodies.FirstBody] = {}
        self._unsent: list[str] = []
        self._suspects: set[str] = set()
        self.stopped = False
        self.unavailable = ""
        self.retry_after = 0.0

    async def send(self) -> list[ChildOutcome]:
        """Sends the request for each child of the page; returns the outcomes of those that were sent."""
        await self._fix_bodies()
        outcomes = await asyncio.gather(*(self._send_in_slot(candidate) for candidate in self._page.candidates))
        await self._forget_unsent_bodies()
        return self._count_suspects([outcome for outcome in outcomes if outcome is not None])

    async def _fix_bodies(self) -> None:
        """If request bodies depend on fields of the children: stores them, or fetches those of the first attempt."""
        given = None if self._page.target is None else self._relationship.field
        if not varies(self._page.command, given):
            return
        requests = []
        for candidate in self._page.candidates:
            with suppress(Refused):
                requests.append(self._request(candidate))
        self._first = await request_bodies.first_of_each(self._pool, self._sweep.subject.tenant, requests)

    async def _forget_unsent_bodies(self) -> None:
        """Deletes the bodies that were stored just now and never reached the owner: the next attempt may differ."""
        unsent = [key for key in self._unsent if key in self._first and self._first[key].new]
        if unsent:
            await request_bodies.forget(self._pool, self._sweep.subject.tenant, unsent)

    def _count_suspects(self, outcomes: Sequence[ChildOutcome]) -> list[ChildOutcome]:
        """Counts the attempts at which the owner failed, if it served another child of the page."""
        if all(outcome.state == "failing" for outcome in outcomes):
            return list(outcomes)
        return [o._replace(counted=True) if o.child in self._suspects else o for o in outcomes]

    async def _send_in_slot(self, candidate: Candidate) -> ChildOutcome | None:
        async with self._slots:
            return None if self.stopped else await self._send_one(candidate)

    async def _send_one(self, candidate: Candidate) -> ChildOutcome:
        child, parent, reference = candidate.child.key, candidate.parent, candidate.reference
        key = self._key(candidate)
        try:
            request = self._first[key].request if key in self._first else self._request(candidate)
            await self._owners.send(request, slot_timeout=math.inf, one_of_many=True)
        except (Unavailable, Refused) as error:
            if isinstance(error, Unsent):
                self._unsent.append(key)
            return self._failed(candidate, error)
        finally:
            activity.heartbeat(child)
        return ChildOutcome(child, parent, "requested", reference)

    def _failed(self, candidate: Candidate, error: Unavailable | Refused) -> ChildOutcome:
        """The outcome of an attempt that failed, by the table of ``answers``."""
        child, parent, reference = candidate.child.key, candidate.parent, candidate.reference
        what_next, message = answers.step("child", error), str(error)[:_ERROR_LENGTH]
        if what_next is Step.REFUSE:
            reason = ParkReason("request_refused")
            return ChildOutcome(child, parent, "parked", reference, message, park_reason=reason)
        if isinstance(error, Gone | Outdated):
            # Another request, or the owner itself, was faster: its fact is on its way. If none arrives, the child is
            # requested again.
            outcome = ChildOutcome(child, parent, "requested", reference, message, counted=True)
            return outcome._replace(reported_missing=True, renewed=what_next is Step.RENEW)
        self.unavailable, reference = str(error), candidate.requested_reference
        counted = what_next is Step.LIMITED
        if isinstance(error, Unavailable):
            self.retry_after = max(self.retry_after, error.retry_after)
        if isinstance(error, Failed):
            self._suspects.add(child)
            # The owner answered for other children of the operation, so this failure is the child's.
            counted = error.answered and self._page.others_confirmed
        return ChildOutcome(child, parent, "failing", reference, message, counted)

    def _request(self, candidate: Candidate) -> OwnerRequest:
        """Raises Refused if the command cannot be filled."""
        field, target, child = self._relationship.field, self._page.target, candidate.child
        return OwnerRequest(
            tenant=self._sweep.subject.tenant,
            owner=self._owner,
            command=filled(
                self._page.command,
                child.key,
                child.data,
                expected_parent=candidate.parent,
                target=(field, target) if field is not None and target is not None else None,
            ),
            idempotency_key=self._key(candidate),
            correlation=encode_operation(self._sweep.operation),
            causation=self._sweep.operation,
        )

    def _key(self, candidate: Candidate) -> str:
        """The Idempotency-Key: the same for one incarnation of a child and one fact that names its parent, until it is
        redriven."""
        sweep, child = self._sweep, candidate.child
        ids = (
            sweep.subject.tenant,
            sweep.operation,
            sweep.relationship,
            child.key,
            child.incarnation,
            candidate.requested_reference.hex(),
        )
        return derived_id("sweep", *ids, candidate.redrives)
