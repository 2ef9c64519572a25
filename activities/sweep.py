"""Sends the requests for an operation's children to their owners: page by page, each child once."""

import time
from collections.abc import Sequence

from temporalio import activity

from activities.support.failures import final
from activities.support.heartbeats import heartbeats
from activities.support.page_requests import PageRequests
from catalog.catalog import Catalog
from catalog.relationship import Relationship
from catalog.vocabulary import Command
from errors import Refused
from gateways.owners import Owners
from messages.operations import ChildCounts, ChildRequests, SweepInput, SweepResult
from store.db.pool import Pool
from store.operations import children, children_to_request, stuck
from store.operations.children import ChildOutcome
from store.operations.operation_row import OperationRow

PAGE = 200
"""Children that are read, requested and stored together."""
SECONDS = 10.0
"""Seconds for which one sweep begins new pages; then its workflow looks at the operation again."""


class SweepActivities:
    """Sends commands for children to their ``owners``."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="sweep")
    async def sweep(self, sweep: SweepInput) -> SweepResult:
        """Processes pages until none is left, the owner is unavailable, the operation has ended or SECONDS are over.

        Returns counts of the outcomes, and the key after which to continue (None: all pages are processed).
        """
        try:
            relationship = self._catalog.relationship(sweep.relationship)
        except Refused as error:
            raise final(error) from None
        until = time.monotonic() + SECONDS
        swept = SweepResult(after=sweep.after)
        while swept.after is not None and not swept.unavailable and time.monotonic() < until:
            activity.heartbeat(swept.after)
            where = sweep.subject.tenant, sweep.operation, relationship, swept.after, PAGE
            read_at = time.monotonic()
            page = await children_to_request.next_page(self._pool, self._catalog, *where, repeat=sweep.repeat)
            if page is None:
                return swept.model_copy(update={"after": None})
            requests = PageRequests(self._pool, self._catalog, self._owners, sweep, relationship, page, read_at)
            swept = await self._process(sweep, requests, swept)
        return swept

    async def _process(self, sweep: SweepInput, requests: PageRequests, swept: SweepResult) -> SweepResult:
        """Sends the requests of one page and stores their outcomes; returns the result so far with them added."""
        tenant, relationship, page = sweep.subject.tenant, sweep.relationship, requests.page
        if page.candidates:
            await children_to_request.begin(self._pool, tenant, sweep.operation, relationship, page.candidates)
        async with heartbeats("waiting for the owner"):
            outcomes = await requests.send()
        unavailable = requests.unavailable if all(o.state == "failing" for o in outcomes) else ""
        if outcomes:
            await children.store_outcomes(self._pool, tenant, sweep.operation, relationship, outcomes)
            if unavailable:
                await stuck.owner_failed(self._pool, tenant, sweep.operation, unavailable, relationship=relationship)
            else:
                await stuck.owner_recovered(self._pool, tenant, sweep.operation, relationship)
        return added(swept, outcomes).model_copy(
            update={"after": page.next, "unavailable": unavailable, "retry_after": requests.retry_after}
        )


def added(swept: SweepResult, outcomes: Sequence[ChildOutcome]) -> SweepResult:
    """The counts of a result with these outcomes added. A child that its owner reported missing counts as gone."""
    states = [outcome.state for outcome in outcomes]
    gone = sum(outcome.state == "requested" and outcome.reported_missing for outcome in outcomes)
    return SweepResult(
        requested=swept.requested + states.count("requested") - gone,
        gone=swept.gone + gone,
        parked=swept.parked + states.count("parked"),
        failing=swept.failing + states.count("failing"),
    )


def requests_for(catalog: Catalog, relationship: Relationship, command: type[Command] | None = None) -> ChildRequests:
    """What to request for the children of a relationship: by default the command of its deletion policy."""
    command = command or relationship.sweep
    name = command.__name__ if command is not None else ""
    return ChildRequests(relationship=relationship.name, owner=catalog.owner_of(relationship.child), command=name)


def counts(row: OperationRow) -> ChildCounts:
    """The progress of an operation, from its row."""
    return ChildCounts(
        remaining=row.remaining,
        found=row.found,
        confirmed=row.confirmed,
        skipped=row.skipped,
        parked=row.parked,
    )
