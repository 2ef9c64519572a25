"""Recording facts as the API does, for tests of the store and of the API."""

from collections.abc import Iterable, Sequence

from config import Limits
from contracts.envelope import Entry, read
from contracts.registry import OWN_SOURCE
from relationships.admission import Admission
from relationships.catalog import Catalog
from store import items
from store.items import Outcome
from store.linking import linked_entry
from store.pool import Pool
from store.record import Recorder
from store.sql import sql
from tests.strategies import Event

TENANT = "main"


class Teller:
    """Records CloudEvents under one tenant."""

    def __init__(self, pool: Pool, catalog: Catalog, tenant: str = TENANT) -> None:
        self._catalog = catalog
        self._admission = Admission(catalog, Limits())
        self._recorder = Recorder(pool, catalog)
        self._tenant = tenant

    async def tell(self, *events: Event) -> int:
        """In one batch; returns the revision after it."""
        return await self.record(self.entry(event) for event in events)

    async def record(self, entries: Iterable[Entry]) -> int:
        """Entries as they are, Tether's own included."""
        unique = {(e.source, e.id): e for e in entries}
        return (await self._recorder.record(self._tenant, list(unique.values()), actor="test")).revision

    def entry(self, event: Event) -> Entry:
        """An event as the ledger keeps it; explicit links of ``tests.strategies`` included."""
        if event["source"] != OWN_SOURCE:
            return self._admission.admit(read(event))
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


async def asked_for(pool: Pool, operation: str, relationship: str, outcomes: Sequence[Outcome]) -> None:
    """Children that an operation has asked for, and what came of each."""
    children, parents, _, references, *_ = (list(column) for column in zip(*outcomes, strict=True))
    since = [1] * len(children)
    await pool.execute(sql("begin_items"), TENANT, operation, relationship, children, parents, references, since)
    await items.keep(pool, TENANT, operation, relationship, outcomes)
