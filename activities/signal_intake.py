"""Records facts that services signal straight to a workflow, in the same way as facts over HTTP.

The path of a fact: this module → ``facts/ingest.py`` → ``store/write/recorder.py``.
"""

from catalog import limits
from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from errors import Unknown
from facts.envelope import Entry
from facts.ingest import Batch
from facts.validation import Validator
from messages.relationship import RelationshipInstance
from messages.signals import SignalReport
from store.db import credentials
from store.db.pool import Pool
from store.operations.links import linked_entry
from store.write.recorder import Recorder

CLOSED = "facts by signal are not accepted here: set TETHER_SIGNAL_INTAKE=open, or use POST /v1/events"


class SignalIntake:
    """Records signalled facts. ``mode`` is ``open``, ``closed``, or ``auto``: open while there is one tenant.

    Nothing but access to Temporal's namespace authorizes a signal: it may carry any owner's fact.
    """

    def __init__(self, recorder: Recorder, validator: Validator, catalog: Catalog, pool: Pool, *, mode: str) -> None:
        self._recorder = recorder
        self._validator = validator
        self._catalog = catalog
        self._pool = pool
        self._mode = mode

    async def record(self, report: SignalReport) -> str | None:
        """Records a report's facts and quarantines what cannot be recorded; returns the id of the last good one.

        Raises Unknown for a tenant that does not exist: there is no quarantine for it.
        """
        tenants = await credentials.tenants(self._pool)
        tenant = report.instance.tenant
        if tenants and tenant not in tenants:
            raise Unknown(f"no tenant {tenant!r}; the workflow's input names one that does not exist here")
        refusal = self._refusal(report.instance, tenants)
        batch = Batch(self._validator)
        last: str | None = None
        for fact in report.facts:
            raw = fact.body.encode()
            if refusal:
                batch.reject(refusal, raw, "signal_refused", type=fact.name)
                continue
            entry = batch.add_json(raw, signal=fact.name)
            if entry is not None:
                last = entry.id
                self._add_link(batch, report.instance, entry)
        await self._recorder.record(tenant, batch.entries, batch.rejections, actor="signal")
        return last

    def _refusal(self, instance: RelationshipInstance, tenants: set[str]) -> str:
        """Why none of a report's facts is recorded; empty if they are recorded."""
        if not (self._mode == "open" or (self._mode == "auto" and len(tenants) <= 1)):
            return CLOSED
        try:
            if instance.relationship:
                self._catalog.relationship(instance.relationship)
        except Unknown as error:
            return str(error)
        return limits.excess("the parent that the workflow is about", instance.parent, limits.KEY)

    def _add_link(self, batch: Batch, instance: RelationshipInstance, entry: Entry) -> None:
        """Links a requested child to the instance that its owner signalled it to, as a correlation id would."""
        relationship = self._catalog.relationship(instance.relationship) if instance.relationship else None
        if relationship is None or relationship.requested is None or entry.kind != relationship.child:
            return
        if entry.effect is Effect.CREATED and not entry.names:
            parent, key = instance.parent, entry.key
            batch.add_derived(linked_entry(relationship, parent, key, entry.sequence, entry.time))
