"""Records facts as the API does, for tests of the store and of the API."""

from collections.abc import Iterable, Sequence

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from facts.envelope import Entry, read
from store.db.pool import Pool
from store.operations import children, children_to_request
from store.operations.children import ChildOutcome
from store.operations.children_to_request import Candidate
from store.operations.links import linked_entry
from store.write.entity_state import FoldedEntity
from store.write.recorder import Recorder
from tests.support.events import Event
from tests.support.validators import validator_of

TENANT = "main"


class FactRecorder:
    """Records CloudEvents for one tenant."""

    def __init__(self, pool: Pool, catalog: Catalog, tenant: str = TENANT) -> None:
        self._catalog = catalog
        self._validator = validator_of(catalog)
        self._recorder = Recorder(pool, catalog)
        self._tenant = tenant

    async def record(self, *events: Event) -> int:
        """Records the events in one batch; returns the revision after it."""
        return await self.record_entries(self.entry(event) for event in events)

    async def record_entries(self, entries: Iterable[Entry]) -> int:
        """Records entries as they are, Tether's own facts included; returns the revision after them."""
        unique = {(e.source, e.id): e for e in entries}
        return (await self._recorder.record(self._tenant, list(unique.values()), actor="test")).revision

    def entry(self, event: Event) -> Entry:
        """Returns an event as the ledger keeps it, also one of an explicit link."""
        if event["source"] != OWN_SOURCE:
            return self._validator.validate(read(event))
        data = event["data"]
        relationship = self._catalog.relationship(data["relationship"])
        return linked_entry(
            relationship,
            data.get("parent"),
            event["subject"],
            event.get("sequence"),
            read(event).time,
            operation=event["id"],
        )

    async def close(self) -> None:
        await self._recorder.close()


async def store_outcomes(pool: Pool, operation: str, relationship: str, outcomes: Sequence[ChildOutcome]) -> None:
    """Stores the children of an operation, each with the outcome of the request to its owner."""
    found = [Candidate(FoldedEntity("", o.child), o.parent, o.reference, o.reference, 1, 0) for o in outcomes]
    await children_to_request.begin(pool, TENANT, operation, relationship, found)
    await children.store_outcomes(pool, TENANT, operation, relationship, outcomes)
