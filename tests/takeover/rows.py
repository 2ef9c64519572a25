"""The rows of Tether and of the owners that are compared.

Every query that names a table or a column of Tether's current schema is in this file. What they return is expressed in
the words of the fixture, which do not change when the schema does: ``FORMER_STATES`` and ``FORMER_COUNTERS`` map them.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from store.audit import fingerprint
from store.db.pool import Connection, Pool, connection
from tests.takeover.environment import TenantHarness

State = dict[str, Any]

FORMER_STATES: Mapping[str, str] = {
    "requested": "asked",  # former name
    "confirmed": "done",
    "skipped": "spared",  # former name
}
"""State of an operation or child as it is stored now → as it was stored when the fixture was recorded; others stay."""
FORMER_COUNTERS: Mapping[str, str] = {
    "found": "found",
    "requested": "asked",  # former name
    "confirmed": "done",
    "skipped": "spared",  # former name
    "parked": "parked",
    "remaining": "pending",
}
"""Column of ``operations`` that counts children → its name when the fixture was recorded."""

_OPERATIONS = """
select id, kind, workflow, about, key, state, found, requested, confirmed, skipped, parked, remaining, cause,
       (stuck_cause is not null or ended_because is not null or owner_may_still_act) as has_reason,
       stuck_since is not null as stuck
from operations where tenant = $1 order by id
"""
_CHILDREN = """
select operation, relationship, child, state, redrives from operation_children where tenant = $1 order by 1, 2, 3
"""
_WAITS = """
select relationship, parent, missing, owner, due <= now() as overdue, overdue_notified_at is not null as notified
from waits where tenant = $1 order by 1, 2
"""
_FACTS = "select type from facts where tenant = $1"
_PLANS = "select id, operation from plans where tenant = $1 order by id"
_QUARANTINE = "select reason, times from quarantine where tenant = $1 order by id"
_IDEMPOTENCY_KEYS = "select actor, idempotency_key, operation from idempotency_keys where tenant = $1 order by 1, 2"
_NOT_DISPATCHED = "select count(*) from outbox where dispatched_at is null"
_REVISION = "select revision from tenant_revisions where tenant = $1"
_OPERATION_OF = "select id from operations where tenant = $1 and kind = $2 and about = $3 and key = $4"
_PLANS_TO_DELETE = "select id from plans where tenant = $1 and kind = 'delete' and operation is null order by id"

_ENTITIES_OF_OWNER = "select kind, id, live, version, fields from entities order by kind, id"
_EFFECTS_OF_OWNER = "select key, effects from commands order by key"
_UNPUBLISHED_OF_OWNER = "select count(*) from outbox where published is null"


async def of_tenant(tenant: TenantHarness) -> State:
    """Reads the state of one tenant at one moment."""
    name = tenant.tenant
    async with connection(tenant.pool) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        revision = await conn.fetchval(_REVISION, name) or 0
        hashes = await fingerprint.of_tables(conn, tenant.catalog, name, revision)
        links: dict[str, dict[str, str]] = {}
        async for _, link in fingerprint.links(conn, tenant.catalog, name, revision):
            links.setdefault(link.relationship, {})[link.child] = f"{link.state} {link.parent}"
        facts = Counter(str(row["type"]) for row in await conn.fetch(_FACTS, name))
        keys = await conn.fetch(_IDEMPOTENCY_KEYS, name)
        return {
            "fingerprint": asdict(hashes),
            "links": links,
            "operations": await _operations(conn, name),
            "waits": {f"{r['relationship']} {r['parent']}": _wait(r) for r in await conn.fetch(_WAITS, name)},
            "plans": {row["id"]: row["operation"] for row in await conn.fetch(_PLANS, name)},
            "requests": {f"{row['actor']} {row['idempotency_key']}": row["operation"] for row in keys},
            "facts": dict(facts),
            "quarantine": {row["reason"]: row["times"] for row in await conn.fetch(_QUARANTINE, name)},
        }


async def _operations(conn: Connection, tenant: str) -> State:
    children: dict[str, dict[str, str]] = {}
    for row in await conn.fetch(_CHILDREN, tenant):
        redriven = f", redriven {row['redrives']} time(s)" if row["redrives"] else ""
        state = FORMER_STATES.get(row["state"], row["state"])
        children.setdefault(row["operation"], {})[f"{row['relationship']} {row['child']}"] = state + redriven
    return {
        row["id"]: {
            "what": f"{row['kind']}: {row['workflow']} {row['about']} {row['key']}",
            "state": FORMER_STATES.get(row["state"], row["state"]),
            "has_reason": row["has_reason"],
            "stuck": row["stuck"],
            "cause": row["cause"],
            "counters": {former: row[name] for name, former in FORMER_COUNTERS.items() if row[name]},
            "children": children.get(row["id"], {}),
        }
        for row in await conn.fetch(_OPERATIONS, tenant)
    }


def _wait(row: Any) -> str:
    overdue = "overdue" if row["overdue"] else "not due yet"
    announced = "announced" if row["notified"] else "not announced"
    return f"{row['missing']} from {row['owner']}, {overdue}, {announced}"


def of_owner(database: Path) -> State:
    """Reads the state of one owner.

    Its entities, deleted ones included, the number of effects of each idempotency key, and the number of facts that it
    has not published.
    """
    conn = sqlite3.connect(database)
    try:
        return {
            "entities": {
                f"{kind} {key}": f"{'live' if live else 'deleted'}, version {version}, {fields}"
                for kind, key, live, version, fields in conn.execute(_ENTITIES_OF_OWNER)
            },
            "effects": dict(conn.execute(_EFFECTS_OF_OWNER).fetchall()),
            "unpublished": conn.execute(_UNPUBLISHED_OF_OWNER).fetchone()[0],
        }
    finally:
        conn.close()


async def not_dispatched(pool: Pool) -> int:
    """The number of rows of the outbox that were not dispatched, of all tenants."""
    return int(await pool.fetchval(_NOT_DISPATCHED))


async def operation_of(tenant: TenantHarness, kind: str, about: str, key: str) -> str:
    """The id of the only operation of this kind about this key."""
    (row,) = await tenant.pool.fetch(_OPERATION_OF, tenant.tenant, kind, about, key)
    return str(row["id"])


async def plans_to_delete(tenant: TenantHarness) -> list[str]:
    """The ids of the plans to delete something that were not executed, in the order of their creation."""
    return [str(row["id"]) for row in await tenant.pool.fetch(_PLANS_TO_DELETE, tenant.tenant)]
