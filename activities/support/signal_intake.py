"""The signal door: facts that services send straight to a workflow, recorded like all others."""

import orjson

from catalog.catalog import Catalog
from catalog.vocabulary import Effect
from errors import Malformed, Unacceptable, Unknown
from facts.envelope import Entry, read
from facts.validation import Admission
from messages.relationship import Instance, Report, Told
from store.db import credentials
from store.db.pool import Pool
from store.operations.links import linked_entry
from store.write.quarantine import Rejected
from store.write.recorder import Recorder

CLOSED = "facts by signal are not taken here: set TETHER_SIGNAL_DOOR=open, or use POST /v1/events"


class Door:
    """``mode``: ``open``, ``closed``, or ``auto``: open while there is one tenant.

    Whoever may signal in Temporal's namespace may tell any owner's facts here: the namespace is the only fence.
    """

    def __init__(self, recorder: Recorder, admission: Admission, catalog: Catalog, pool: Pool, *, mode: str) -> None:
        self._recorder = recorder
        self._admission = admission
        self._catalog = catalog
        self._pool = pool
        self._mode = mode

    async def record(self, report: Report) -> str | None:
        """Records them; what cannot be taken is quarantined. Returns the id of the last one that was taken.

        Raises Unknown for a tenant that nobody has a key of: there is no one whose quarantine it could go to.
        """
        tenants = await credentials.tenants(self._pool)
        tenant = report.instance.tenant
        if tenants and tenant not in tenants:
            raise Unknown(f"no tenant {tenant!r}; the workflow's input names one that does not exist here")
        is_open = self._mode == "open" or (self._mode == "auto" and len(tenants) <= 1)
        entries: list[Entry] = []
        rejected: list[Rejected] = []
        last: str | None = None
        for told in report.told:
            try:
                if not is_open:
                    raise Unacceptable(CLOSED)
                taken = self._entries(report.instance, told)
                last = taken[0].id
                entries += taken
            except (Malformed, Unacceptable, Unknown) as refusal:
                rejected.append(Rejected(None, None, told.name, str(refusal), told.body.encode()))
        await self._recorder.record(tenant, entries, rejected, actor="signal")
        return last

    def _entries(self, instance: Instance, told: Told) -> list[Entry]:
        relationship = self._catalog.relationship(instance.relationship) if instance.relationship else None
        try:
            event = orjson.loads(told.body)
        except orjson.JSONDecodeError as error:
            raise Malformed("event", f"is no JSON that can be kept: {error}") from None
        entry = self._admission.admit(read(event))
        if entry.name != told.name:
            raise Unacceptable(f"the signal {told.name} carries a {entry.name}")
        if relationship is None or relationship.requested is None or entry.kind != relationship.child:
            return [entry]
        if entry.effect is Effect.CREATED and not entry.names:
            # Its owner tells this instance of its child: that says whose child it is, as a correlation id would.
            return [entry, linked_entry(relationship, instance.parent, entry.key, entry.sequence, entry.time)]
        return [entry]
