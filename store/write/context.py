"""What every step of one write shares: the transaction, the declarations, the tenant, the revision and the time."""

from dataclasses import dataclass
from datetime import datetime

from catalog.catalog import Catalog
from store.db.pool import Connection


@dataclass(frozen=True, slots=True)
class WriteContext:
    """One transaction that holds the lock of a tenant's revision row.

    ``revision``: the one that the rows of this transaction carry: the next one if readers will see a difference,
    else the current one. ``now``: the time of the transaction, in UTC. ``open_operations``: whether any operation of
    the tenant is waiting for facts.
    """

    conn: Connection
    catalog: Catalog
    tenant: str
    revision: int
    now: datetime
    open_operations: bool
