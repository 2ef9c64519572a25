"""Activities of MergeWorkflow. All are idempotent: each may run again after a crash."""

import time

from temporalio import activity

from activities.support.failures import final
from activities.support.heartbeats import heartbeats
from activities.support.missing_declaration import hold, reason
from activities.support.retiring import Retiring
from activities.sweep import added, counts
from catalog.catalog import Catalog
from errors import Refused
from gateways.owners import Owners
from messages.merges import MergeProof, MergeProofResult, MergeStatus
from messages.operations import ChildRequests, OperationStep, SweepInput, SweepResult
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.operations import children, merges, retirements, stuck
from store.operations.retirements import NO_RELATIONSHIP

PAGE = 100
"""Losers that are requested and stored together."""
SECONDS = 10.0
"""Seconds for which one activity begins new pages; then its workflow looks at the operation again."""


class MergeActivities:
    """Records, proves and ends merges. ``owners`` receive the requests to retire losers."""

    def __init__(self, pool: Pool, catalog: Catalog, owners: Owners) -> None:
        self._pool = pool
        self._catalog = catalog
        self._owners = owners

    @activity.defn(name="look_at_merge")
    async def look_at_merge(self, look: OperationStep) -> MergeStatus:
        """Records the facts of a merge if that was not done, ends it if it can be ended, and returns its status."""
        at = look.subject
        if at.about not in self._catalog.contracts.merging:
            return await self._hold(look, f"that entities of the kind {at.about} can be merged")
        run = await merges.advance(self._pool, self._catalog, at.tenant, at.about, at.key)
        row, merge = run.operation, run.merge
        if row is None or merge is None:
            return MergeStatus(newer=run.newer, now=run.now)
        command = self._catalog.contracts.merging[at.about].retire
        if command is None and not run.to_prove:
            return await self._hold(look, f"a command that retires a {at.about}")
        owner = self._catalog.owner_of(at.about)
        name = command.__name__ if command is not None else ""
        concerned = [] if run.to_prove else [ChildRequests(relationship=NO_RELATIONSHIP, owner=owner, command=name)]
        return MergeStatus(
            operation=row.id,
            kind="merge",
            survivor=merge.survivor,
            losers=merge.losers,
            to_prove=run.to_prove,
            owner="" if run.to_prove else owner,
            to_request=concerned if run.to_retire else [],
            concerned=concerned,
            unconfirmed=run.left.unconfirmed if run.left is not None else 0,
            counts=counts(row),
            reason=await reason(self._pool, row),
            now=run.now,
        )

    async def _hold(self, look: OperationStep, declaration: str) -> MergeStatus:
        return MergeStatus(**(await hold(self._pool, look, declaration)).model_dump())

    @activity.defn(name="prove_merge")
    async def prove_merge(self, proof: MergeProof) -> MergeProofResult:
        """Counts what a merge has conserved, and stores it. A merge that has lost anything is undone."""
        at = proof.subject
        async with heartbeats("counting"), snapshot(self._pool, at.tenant) as found:
            counted = await merges.count(found, self._catalog, proof.operation)
        if counted is None:
            return MergeProofResult()
        await merges.store_proof(self._pool, self._catalog, at.tenant, proof.operation, counted)
        return MergeProofResult(lost=counted.lost)

    @activity.defn(name="retire")
    async def retire(self, sweep: SweepInput) -> SweepResult:
        """Requests the losers of a merge from their owner, page by page, each once. Returns counts of the outcomes, and
        the key after which to continue (None: all are processed)."""
        tenant, kind = sweep.subject.tenant, sweep.subject.about
        policy = self._catalog.contracts.merging.get(kind)
        if policy is None or policy.retire is None:
            raise final(Refused(f"no command retires a {kind}"))
        retiring = Retiring(self._pool, self._catalog, self._owners, sweep, policy.retire)
        until = time.monotonic() + SECONDS
        result = SweepResult(after=sweep.after)
        while result.after is not None and not result.unavailable and time.monotonic() < until:
            page = await retirements.to_request(
                self._pool, tenant, kind, sweep.operation, after=result.after, repeat=sweep.repeat, limit=PAGE
            )
            async with heartbeats("waiting for the owner"):
                outcomes = await retiring.send(page)
            if outcomes:
                await children.store_outcomes(self._pool, tenant, sweep.operation, NO_RELATIONSHIP, outcomes)
            unavailable = retiring.unavailable if all(o.state == "failing" for o in outcomes) else ""
            await self._note(sweep, unavailable)
            result = added(result, outcomes).model_copy(
                update={
                    "after": page[-1].loser if len(page) == PAGE else None,
                    "unavailable": unavailable,
                    "retry_after": retiring.retry_after,
                }
            )
        return result

    async def _note(self, sweep: SweepInput, unavailable: str) -> None:
        """Records on the operation whether the owner of the losers accepts requests."""
        if unavailable:
            await stuck.owner_failed(
                self._pool, sweep.subject.tenant, sweep.operation, unavailable, relationship=NO_RELATIONSHIP
            )
        else:
            await stuck.owner_recovered(self._pool, sweep.subject.tenant, sweep.operation, NO_RELATIONSHIP)
