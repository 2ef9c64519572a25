"""Asks for the children that an operation concerns, each once, as many at once as their owner has slots."""

import asyncio
import math
import time
from contextlib import suppress

from temporalio import activity

from activities.support.failures import final
from catalog.catalog import Catalog
from catalog.command_mapping import filled, varies
from catalog.owner_request import OwnerRequest
from catalog.relationship import Relationship
from catalog.vocabulary import Command
from errors import Failed, Gone, Refused, Unavailable, Unsent
from facts.correlation import encode_operation
from facts.own_facts import derived_id
from gateways.owners import AT_ONCE, Owners
from messages.operations import ChildCounts, ChildRequests, SweepInput, SweepResult
from store.db.pool import Pool
from store.operations import candidates, children, operations, request_bodies
from store.operations.candidates import Candidate, CandidatePage
from store.operations.children import ChildOutcome
from store.operations.operations import Row

PAGE = 200
"""Children that are read, asked for and remembered together."""
SECONDS = 10.0
"""After which a sweep lets others have a look."""


class _PageRequests:
    """One page. ``suspects``: children at which the owner failed, while it may have done well by others; ``away``: the
    last reason why it could not be asked; ``pause``: seconds it wants."""

    def __init__(
        self, owners: Owners, owner: str, sweep: SweepInput, relationship: Relationship, work: CandidatePage
    ) -> None:
        self._owners = owners
        self._owner = owner
        self._sweep = sweep
        self._relationship = relationship
        self._work = work
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._first: dict[str, request_bodies.FirstBody] = {}
        self._unsent: list[str] = []
        self.suspects: set[str] = set()
        self.stopped = False
        self.away = ""
        self.pause = 0.0

    async def prepare(self, pool: Pool) -> None:
        """Where what is asked depends on the children's own fields, it is asked as it was before."""
        given = None if self._work.target is None else self._relationship.field
        if not varies(self._work.command, given):
            return
        requests = []
        for item in self._work.candidates:
            with suppress(Refused):
                requests.append(self._request(item))
        self._first = await request_bodies.first_of_each(pool, self._sweep.subject.tenant, requests)

    async def forget(self, pool: Pool) -> None:
        """What nobody was asked may be asked in other words."""
        unsaid = [key for key in self._unsent if key in self._first and self._first[key].new]
        if unsaid:
            await request_bodies.forget(pool, self._sweep.subject.tenant, unsaid)

    async def __call__(self, item: Candidate) -> ChildOutcome | None:
        async with self._slots:
            return None if self.stopped else await self._ask(item)

    async def _ask(self, item: Candidate) -> ChildOutcome:
        key = self._key(item)
        try:
            request = self._first[key].request if key in self._first else self._request(item)
            await self._owners.send(request, slot_timeout=math.inf, one_of_many=True)
        except Unavailable as error:
            self.away, self.pause = str(error), max(self.pause, error.retry_after)
            if isinstance(error, Unsent):
                self._unsent.append(key)
            if isinstance(error, Failed):
                self.suspects.add(item.child.key)
            alone = isinstance(error, Failed) and error.answered and self._work.others_confirmed
            return ChildOutcome(item.child.key, item.parent, "failing", item.reference, str(error)[:300], alone)
        except Gone as error:  # deleted or moved by others: its fact is on its way, or else it is asked for once more
            return ChildOutcome(item.child.key, item.parent, "requested", item.reference, str(error)[:300], True)
        except Refused as error:
            return ChildOutcome(item.child.key, item.parent, "parked", item.reference, str(error)[:300])
        finally:
            activity.heartbeat(item.child.key)
        return ChildOutcome(item.child.key, item.parent, "requested", item.reference)

    def _request(self, item: Candidate) -> OwnerRequest:
        """Raises Refused if the command cannot be filled."""
        field, child = self._relationship.field, item.child
        target = (field, self._work.target) if field is not None and self._work.target is not None else None
        return OwnerRequest(
            tenant=self._sweep.subject.tenant,
            owner=self._owner,
            command=filled(self._work.command, child.key, child.data, expected_parent=item.parent, target=target),
            idempotency_key=self._key(item),
            correlation=encode_operation(self._sweep.operation),
            causation=self._sweep.operation,
        )

    def _key(self, item: Candidate) -> str:
        """The same for the same belonging of the same child, and for no other; anew when somebody redrives it."""
        at = self._sweep
        of = at.subject.tenant, at.operation, at.relationship, item.child.key, item.child.life, item.reference.hex()
        return derived_id("sweep", *of, item.redrives)


class SweepActivities:
    """``owners`` are asked for the children that are theirs."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="sweep")
    async def sweep(self, sweep: SweepInput) -> SweepResult:
        """Page after page, until there are no more, the owner is away, the operation is over, or time is up."""
        try:
            relationship = self._catalog.relationship(sweep.relationship)
        except Refused as error:
            raise final(error) from None
        until = time.monotonic() + SECONDS
        swept = SweepResult(after=sweep.after)
        while swept.after is not None and not swept.unavailable and time.monotonic() < until:
            activity.heartbeat(swept.after)
            place = sweep.operation, relationship, swept.after, PAGE
            work = await candidates.next_page(
                self._pool, self._catalog, sweep.subject.tenant, *place, repeat=sweep.repeat
            )
            if work is None:
                return swept.model_copy(update={"after": None})
            swept = await self._page(sweep, relationship, work, swept)
        return swept

    async def _page(
        self, sweep: SweepInput, relationship: Relationship, work: CandidatePage, swept: SweepResult
    ) -> SweepResult:
        ask = _PageRequests(self._owners, self._catalog.owner_of(relationship.child), sweep, relationship, work)
        if work.candidates:
            await candidates.begin(
                self._pool, sweep.subject.tenant, sweep.operation, relationship.name, work.candidates
            )
            await ask.prepare(self._pool)
        watching = asyncio.create_task(self._watch(sweep, ask))
        try:
            answers = await asyncio.gather(*(ask(item) for item in work.candidates))
        finally:
            watching.cancel()
        await ask.forget(self._pool)
        outcomes = [answer for answer in answers if answer is not None]
        told = [outcome.state for outcome in outcomes]
        failing = told.count("failing")
        away = ask.away if failing == len(told) else ""
        if outcomes:
            if not away:  # others of the same owner went well
                outcomes = [o._replace(counted=True) if o.child in ask.suspects else o for o in outcomes]
            await children.store_outcomes(self._pool, tenant, sweep.operation, relationship.name, outcomes)
            await operations.note(self._pool, tenant, sweep.operation, away, about=f"{relationship.name}: ")
        gone = sum(outcome.state == "requested" and outcome.last_error != "" for outcome in outcomes)
        return SweepResult(
            requested=swept.requested + told.count("requested") - gone,
            gone=swept.gone + gone,
            parked=swept.parked + told.count("parked"),
            failing=swept.failing + failing,
            after=work.next,
            unavailable=away,
            retry_after=ask.pause,
        )

    async def _watch(self, sweep: SweepInput, asking: _PageRequests) -> None:
        """A page takes long where an owner is slow: if somebody stops the operation, the rest of it is let be."""
        while not asking.stopped:
            await asyncio.sleep(1)
            activity.heartbeat("waiting for the owner")  # or for a slot at it, which others may hold
            asking.stopped = await children.must_stop(self._pool, sweep.subject.tenant, sweep.operation)


def todo(catalog: Catalog, relationship: Relationship, command: type[Command] | None = None) -> ChildRequests:
    """A relationship whose children are to be asked for."""
    command = command or relationship.sweep
    name = command.__name__ if command is not None else ""
    return ChildRequests(relationship=relationship.name, owner=catalog.owner_of(relationship.child), command=name)


def counts(row: Row) -> ChildCounts:
    """How far an operation is."""
    return ChildCounts(
        remaining=row["remaining"],
        found=row["found"],
        confirmed=row["confirmed"],
        skipped=row["skipped"],
        parked=row["parked"],
    )
