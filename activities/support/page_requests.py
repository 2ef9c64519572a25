"""Sends the requests for one page of an operation's children, as many at once as their owner has slots for."""

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress

from temporalio import activity

from activities.support.owner_requests import FRESH
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from catalog.relationship import Relationship
from errors import Failed, Gone, Outdated, Refused, Unavailable, Unsent, Withdrawn
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways import answers
from gateways.answers import Step
from gateways.owners import AT_ONCE, Owners
from messages.child_reasons import ParkReason
from messages.operations import SweepInput
from store.db.pool import Pool
from store.operations import children_to_request, request_bodies
from store.operations.children import ChildOutcome
from store.operations.children_to_request import Candidate, CandidatePage, StillPending

_ERROR_LENGTH = 400  # characters of an error that are stored


class PageRequests:
    """The requests for one page of children, and what their outcomes say about the owner.

    ``read_at``: when the page began to be read, by the monotonic clock. A page may take minutes at a slow owner, so
    before a request leaves, the rows are read again if that was FRESH seconds ago: once for all requests of the page.
    ``unavailable``: the error of the last request that found the owner unavailable, or empty; ``retry_after``: the
    owner's longest Retry-After in seconds.
    """

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        owners: Owners,
        sweep: SweepInput,
        relationship: Relationship,
        page: CandidatePage,
        read_at: float,
    ) -> None:
        self.page = page
        self._pool = pool
        self._catalog = catalog
        self._owners = owners
        self._owner = catalog.owner_of(relationship.child)
        self._sweep = sweep
        self._relationship = relationship
        self._waiting = {candidate.child.key: candidate for candidate in page.candidates}
        self._looked_at, self._until = read_at, _end(read_at, page.seconds)
        self._looking = asyncio.Lock()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._first: dict[str, request_bodies.FirstBody] = {}
        self._unsent: list[str] = []
        self._suspects: set[str] = set()
        self.unavailable = ""
        self.retry_after = 0.0

    async def send(self) -> list[ChildOutcome]:
        """Sends the request for each child of the page; returns the outcomes of those that were to be sent."""
        await self._fix_bodies()
        outcomes = await asyncio.gather(*(self._send_in_slot(candidate) for candidate in self.page.candidates))
        await self._forget_unsent_bodies()
        return self._count_suspects([outcome for outcome in outcomes if outcome is not None])

    async def _fix_bodies(self) -> None:
        """If request bodies depend on fields of the children: stores them, or fetches those of the first attempt."""
        given = None if self.page.target is None else self._relationship.parameter
        if not varies(self.page.command, given):
            return
        requests = []
        for candidate in self.page.candidates:
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
            if candidate.child.key in self._waiting:
                return await self._send_one(candidate)
            self._unsent.append(self._key(candidate))
            return None

    async def _check(self, candidate: Candidate) -> None:
        """Called right before a request leaves. Raises Withdrawn if it must not, by a look that is still fresh."""
        async with self._looking:
            if self._waiting and time.monotonic() - self._looked_at >= FRESH:
                await self._look_again()
        if time.monotonic() >= self._until:
            self._waiting.clear()
        if self._waiting.pop(candidate.child.key, None) is None:
            raise Withdrawn(f"nothing is to be requested for {candidate.child.key} any more")

    async def _look_again(self) -> None:
        """Keeps the requests that may still be sent; none if that cannot be read now."""
        looked_at = time.monotonic()
        try:
            pending = await children_to_request.look_again(
                self._pool,
                self._catalog,
                self._sweep.subject.tenant,
                self._sweep.operation,
                self._relationship,
                list(self._waiting.values()),
            )
        except Unavailable:
            pending = StillPending(set())
        self._waiting = {key: candidate for key, candidate in self._waiting.items() if key in pending.keys}
        self._looked_at, self._until = looked_at, _end(looked_at, pending.seconds)

    async def _send_one(self, candidate: Candidate) -> ChildOutcome | None:
        """The outcome of a request; None: it was withdrawn."""
        child, parent, reference = candidate.child.key, candidate.parent, candidate.reference
        key = self._key(candidate)
        try:
            request = self._first[key].request if key in self._first else self._request(candidate)
            await self._owners.send(
                request, slot_timeout=math.inf, one_of_many=True, before=lambda: self._check(candidate)
            )
        except Withdrawn:
            self._unsent.append(key)
            return None
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
            counted = error.answered and self.page.others_confirmed
        sent = not isinstance(error, Unsent)
        return ChildOutcome(child, parent, "failing", reference, message, counted, sent=sent)

    def _request(self, candidate: Candidate) -> OwnerRequest:
        """Raises Refused if the command cannot be filled."""
        field, target, child = self._relationship.parameter, self.page.target, candidate.child
        return OwnerRequest(
            tenant=self._sweep.subject.tenant,
            owner=self._owner,
            command=filled(
                self.page.command,
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


def _end(read_at: float, seconds: float | None) -> float:
    """Until when requests may leave, by the monotonic clock. ``seconds``: for how long since the rows were read."""
    return math.inf if seconds is None else read_at + seconds
