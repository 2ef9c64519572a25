"""The rows of Tether and of the owners that the scenario and its test look at.

Every query that names a table or a column of Tether's current schema is in this file. What they return is expressed in
terms of the fixture, which do not change when the schema does.
"""

import sqlite3
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from store import fingerprint
from store.pool import Connection, Pool, connection
from tests.takeover.environment import Tenant

State = dict[str, Any]

_OPERATIONS = """
select id, kind, workflow, about, key, state, found, asked, done, spared, parked, pending, cause,
       reason <> '' as has_reason, stuck_since is not null as stuck
from operations where tenant = $1 order by id
"""
_ITEMS = "select operation, relationship, child, state, round from items where tenant = $1 order by 1, 2, 3"
_WAITS = """
select relationship, parent, lacks, debtor, due <= now() as overdue, told_at is not null as told
from waits where tenant = $1 order by 1, 2
"""
_FACTS = "select type from facts where tenant = $1"
_PLANS = "select id, operation from plans where tenant = $1 order by id"
_QUARANTINE = "select reason, times from quarantine where tenant = $1 order by id"
_REQUESTS = "select actor, idempotency_key, operation from requests where tenant = $1 order by 1, 2"
_NOT_DISPATCHED = "select count(*) from intents where dispatched_at is null"
_HEAD = "select revision from heads where tenant = $1"
_LAST_MIGRATION = "select max(name) from migrations"
_OPERATION_OF = "select id from operations where tenant = $1 and kind = $2 and about = $3 and key = $4"
_PLANS_TO_DELETE = "select id from plans where tenant = $1 and kind = 'delete' and operation is null order by id"
_ITEM_STATES = "select state, count(*) as items from items where tenant = $1 and operation = $2 group by state"
_BACKDATE = """
update waits set since = since - $4::interval, due = due - $4::interval, start_at = start_at - $4::interval
where tenant = $1 and relationship = $2 and parent = $3
"""
_COUNTERS = ("found", "asked", "done", "spared", "parked", "pending")

_ENTITIES_OF_OWNER = "select kind, id, live, version, fields from entities order by kind, id"
_EFFECTS_OF_OWNER = "select key, effects from commands order by key"
_UNPUBLISHED_OF_OWNER = "select count(*) from outbox where published is null"


async def of_tenant(tenant: Tenant) -> State:
    """The state of one tenant at one moment."""
    name = tenant.tenant
    async with connection(tenant.pool) as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        revision = await conn.fetchval(_HEAD, name) or 0
        hashes = await fingerprint.of_tables(conn, tenant.catalog, name, revision)
        links: dict[str, dict[str, str]] = {}
        async for _, link in fingerprint.links(conn, tenant.catalog, name, revision):
            links.setdefault(link.relationship, {})[link.child] = f"{link.state} {link.parent}"
        facts = Counter(str(row["type"]) for row in await conn.fetch(_FACTS, name))
        requests = await conn.fetch(_REQUESTS, name)
        return {
            "fingerprint": asdict(hashes),
            "links": links,
            "operations": await _operations(conn, name),
            "waits": {f"{r['relationship']} {r['parent']}": _wait(r) for r in await conn.fetch(_WAITS, name)},
            "plans": {row["id"]: row["operation"] for row in await conn.fetch(_PLANS, name)},
            "requests": {f"{row['actor']} {row['idempotency_key']}": row["operation"] for row in requests},
            "facts": dict(facts),
            "quarantine": {row["reason"]: row["times"] for row in await conn.fetch(_QUARANTINE, name)},
        }


async def _operations(conn: Connection, tenant: str) -> State:
    children: dict[str, dict[str, str]] = {}
    for row in await conn.fetch(_ITEMS, tenant):
        redriven = f", redriven {row['round']} time(s)" if row["round"] else ""
        children.setdefault(row["operation"], {})[f"{row['relationship']} {row['child']}"] = row["state"] + redriven
    return {
        row["id"]: {
            "what": f"{row['kind']}: {row['workflow']} {row['about']} {row['key']}",
            "state": row["state"],
            "has_reason": row["has_reason"],
            "stuck": row["stuck"],
            "cause": row["cause"],
            "counters": {name: row[name] for name in _COUNTERS if row[name]},
            "children": children.get(row["id"], {}),
        }
        for row in await conn.fetch(_OPERATIONS, tenant)
    }


def _wait(row: Any) -> str:
    overdue = "overdue" if row["overdue"] else "not due yet"
    return f"{row['lacks']} from {row['debtor']}, {overdue}, {'announced' if row['told'] else 'not announced'}"


def of_owner(database: Path) -> State:
    """The state of one owner: its entities, deleted ones included, the number of effects of each idempotency key, and
    the number of facts that it has not published."""
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
    """The number of intents that were not dispatched, of all tenants."""
    return int(await pool.fetchval(_NOT_DISPATCHED))


async def last_migration(pool: Pool) -> str:
    """The name of the newest migration that was applied."""
    return str(await pool.fetchval(_LAST_MIGRATION))


async def operation_of(tenant: Tenant, kind: str, about: str, key: str) -> str:
    """The id of the only operation of this kind about this key."""
    (row,) = await tenant.pool.fetch(_OPERATION_OF, tenant.tenant, kind, about, key)
    return str(row["id"])


async def plans_to_delete(tenant: Tenant) -> list[str]:
    """The ids of the plans to delete something that were not executed, in the order of their creation."""
    return [str(row["id"]) for row in await tenant.pool.fetch(_PLANS_TO_DELETE, tenant.tenant)]


async def item_states(tenant: Tenant, operation: str) -> dict[str, int]:
    """State → number of children of an operation."""
    return {row["state"]: row["items"] for row in await tenant.pool.fetch(_ITEM_STATES, tenant.tenant, operation)}


async def backdate_wait(tenant: Tenant, relationship: str, parent: str, age: timedelta) -> None:
    """Makes a wait older, as if it had begun that long ago."""
    await tenant.pool.execute(_BACKDATE, tenant.tenant, relationship, parent, age)
