"""Every query looks up the rows that it needs by an index, whether its plan was made for empty or for full tables.

The plans are generic ones, with the settings of the pool, as in production. A plan is wrong if it reads a table that
grows whole, or enters an index by columns that many rows share, such as the tenant or a relationship.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest
import pytest_asyncio

from store.db.pool import Connection, create_pool
from store.db.sql import queries

LARGE_TENANT = (Path(__file__).parent / "large_tenant.sql").read_text()

LOOKUPS = {
    "activities": {"key"},
    "aliases": {"key", "survivor"},
    "counterpart_requests": {"parent"},
    "element_facts": {"key"},
    "entities": {"key"},
    "erasures": {"id", "key", "idempotency_key", "next_run"},
    "facts": {"id", "key"},
    "forbidden_pairs": {"one", "other"},
    "idempotency_keys": {"idempotency_key", "operation"},
    "links": {"child", "parent"},
    "merge_pairs": {"loser", "survivor", "id"},
    "merges": {"id", "created_at", "operation"},
    "operation_children": {"operation", "child"},
    "operations": {"id", "key", "parent", "child", "cause", "created_at"},
    "outbox": {"key"},
    "plans": {"id", "created_at"},
    "quarantine": {"id", "digest", "cause_type"},
    **{table: {"type"} for table in ("quarantine_groups", "quarantine_hours")},
    "quarantine_run_events": {"event", "run"},
    "quarantine_runs": {"id", "number", "idempotency_key"},
    "request_bodies": {"idempotency_key", "created_at"},
    "snapshots": {"id", "leased_until"},
    "undelivered": {"item", "subject", "due"},
    "waits": {"parent", "workflow_after", "due"},
}
"""Each table that grows → the columns of which one value, or a page from one value on, leads to few rows."""

WINDOWS = {
    "activities": {"from_revision", "to_revision"},
    "aliases": {"from_revision", "to_revision"},
    "entities": {"from_revision", "to_revision"},
    "facts": {"revision"},
    "links": {"from_revision", "to_revision"},
    "revisions": {"revision"},
}
"""Columns that lead to few rows only between two bounds."""

GROWING = LOOKUPS.keys() | WINDOWS.keys()
SMALL = {
    *("consumer_generations", "consumers", "credentials", "database_identity", "declared_meanings"),
    *("definitions", "delivery_attempts", "epochs", "horizons", "kinds_to_fold", "migrations", "newest_epoch"),
    *("quarantine_senders", "restarting_kinds", "stray_workflows", "tenant_revisions", "trimmed_rows", "webhooks"),
}
TABLES = "select array_agg(relname::text) from pg_class where relnamespace = 'tether'::regnamespace and relkind = 'r'"

OLDEST = "the oldest of a queue, as many as are processed at a time"
FEW_UNDELIVERED = "a consumer has at most 10,000 undelivered items; with more, its deliveries are disabled"
FIRST_DUE = "stops at the first row"
METRICS = "metrics are read now and then, with a time-out"
LINKS = {"links_pkey", "links_of_parent"}
COUNTS = "counts are read only if a caller wants them, and the documentation says what they cost"
NOW_AND_THEN = "reads what is open, which is little, once in each run of retention"
WALKS: Mapping[str, tuple[set[str], str]] = {
    "retention_holds": ({"operations_open", "outbox_pkey"}, NOW_AND_THEN),
    "trim_request_bodies": ({"operations_open", "waits_open", "waits_started"}, NOW_AND_THEN),
    "claim_outbox_rows": ({"outbox_to_dispatch"}, OLDEST),
    "claim_waits": ({"waits_open"}, "of each tenant as many as may be open"),
    "workflows_to_check": ({"outbox_dispatched", "waits_started"}, OLDEST),
    "open_operations_page": ({"operations_open"}, "each open operation has an open workflow, so they are few"),
    "read_after_lock": ({"operations_open"}, "stops at the first row"),
    "renumber_children_of_facts": ({"operations_open"}, "facts that were in the ledger get another order: rare"),
    "redrive_items": ({"undelivered_pkey", "undelivered_of_subject"}, FEW_UNDELIVERED),
    "items_to_discard": ({"undelivered_pkey", "undelivered_of_subject"}, FEW_UNDELIVERED),
    "count_undelivered": ({"undelivered_pkey"}, FEW_UNDELIVERED),
    "receiver_answers": ({"undelivered_due"}, FEW_UNDELIVERED),
    "webhook": ({"undelivered_pkey"}, FEW_UNDELIVERED),
    "delivery_look": ({"undelivered_due"}, FIRST_DUE),
    "next_delivery": ({"undelivered_due"}, FIRST_DUE),
    "notify_deliveries": ({"undelivered_due"}, FIRST_DUE),
    "revision_is_before": ({"revisions_pkey"}, FIRST_DUE),
    "gauge_outbox": ({"outbox_to_dispatch"}, METRICS),
    "gauge_waits": ({"waits_pkey"}, METRICS),
    "gauge_quarantine": ({"quarantine_groups_pkey"}, METRICS),
    **dict.fromkeys(("count_links", "count_listed_children", "count_snapshot_links"), (LINKS, COUNTS)),
    "count_quarantined_of_causes": ({"quarantine_groups_pkey"}, COUNTS),
    "quarantine_to_try": ({"quarantine_groups_pkey"}, COUNTS),
    "claim_quarantine_runs": ({"quarantine_runs_open"}, OLDEST),
    "count_parents": ({"links_of_parent"}, COUNTS),
    "count_waiting": ({"waits_pkey"}, COUNTS),
    "count_snapshot_entities": ({"entities_pkey", "aliases_pkey", "aliases_of_survivor"}, COUNTS),
    "count_to_erase": (
        {"request_bodies_pkey", "request_bodies_listed", "merges_pkey", "merges_listed", "operations_errors"},
        "a plan counts what names a key",
    ),
    "empty_words_of_undelivered": ({"undelivered_pkey", "undelivered_of_subject", "undelivered_due"}, FEW_UNDELIVERED),
    "empty_words_of_operations": ({"operations_errors"}, "its second column is an expression: the key"),
    "claim_erasures": ({"erasures_open"}, OLDEST),
    "count_broken": ({"entities_not_live", "links_of_former_incarnations"}, COUNTS),
}
"""Queries that read an index, or a part of it that many rows share: which indexes, and why they may."""

ONE_PARENT = "excludes the parent that the page before ended with"
EXCLUDING: Mapping[str, str] = {
    **dict.fromkeys(("deleted_parents", "former_parents", "waiting_parents"), ONE_PARENT),
    **dict.fromkeys(("children_of", "parents_of"), "excludes links that began later: of versions that were replaced"),
    "children_with_order_keys": "reads all children once",
    "feed_facts": "reads a window of revisions with a bounded number of facts",
    "forbidden_of_key_page": "excludes pairs that were allowed again, which are few",
    "forbidden_page": "excludes pairs that were allowed again, which are few",
    "listed_link_versions": "reads the versions of one link",
    "listed_cascade_candidates": "reads the children of a deleted parent, each once by a sweep",
    "losers_to_retire": "each loser is read once by an activity, whose next page begins after it",
    **dict.fromkeys(("entities_with_facts", "older_facts"), "reads the facts of one entity"),
    "plan_candidates": "each child is read once by a sweep, whose next page begins after it",
}
"""Queries that read a page and exclude rows while it is filled, and why these are few."""

LOG_PLANS = """
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set auto_explain.log_format = json;
set auto_explain.log_level = notice;
"""
CALLS = {
    "missing_side": "select missing_side('main', 'category_item', 'category7', 'category', true, false)",
    "names_ended_life": """
        select names_ended_life('main', 'item', 'item7', '{"category": "category1"}', null, '\\x0000010000000000000007',
                                null, 'category_item', 'category', 9, now(), 0::smallint)
    """,
    "is_requestable": "select is_requestable('main', 'article_tag', 'article1', 'tag1', 'article', 'tag', true, 9)",
    "departed": "select departed('main', 'category_item', 'item7', 'category1', 3)",
    "count_children": """
        insert into operation_children (tenant, operation, relationship, child, parent, state)
        values ('main', 'o1', 'category_item', 'new', 'category1', 'planned')
    """,
    "count_quarantined": "update quarantine set code = 'other' where tenant = 'main' and id = 7",
}
"""Function → a statement that calls it. Its plan is not a part of that statement's plan."""
INLINED = {
    *("concerned_by_deletion", "concerned_by_change", "child_stage", "naming_position"),
    *("links_at", "listed_links_at", "row_hash", "key_is_in"),
}
"""Functions that become a part of the queries that call them."""
FUNCTIONS = "select array_agg(proname::text) from pg_proc where pronamespace = 'tether'::regnamespace"

AUDITS = re.compile(
    r"verify_\w+|entity_lines|link_lines|alias_lines|ledger|activity_ledger|activity_rows|exported_facts|count_exported"
)
"""The queries of `tether verify` and `tether export`, which read all rows of a tenant, with settings of their own."""
PAGED = re.compile(r"limit \$\d+\s*\)?\s*(select \* from page\b.*)?$", re.DOTALL)
"""The queries that read a page: they are limited to a size, at their end or in the rows that they choose from."""
ONCE = re.compile(r"facts_to_reorder|name_first_lives|operations_with_order_keys|children_with_order_keys")
"""The queries that rewrite all order keys of an earlier version, once."""

# EXPLAIN writes the columns on the left of the comparisons of an index condition without their table.
_COMPARED = re.compile(r"\((\w+) (=|<=?|>=?) ")
_ROWS_COMPARED = re.compile(r"\(ROW\(([\w, ]+)\) (?:<|>)=? ")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["empty", "large"])
async def conn(template: str, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    """A connection to a database of this module, with empty tables or with those of a large tenant."""
    server, _, original = template.rpartition("/")
    name = f"plans_{request.param}"
    admin = await asyncpg.connect(f"{server}/postgres")
    await admin.execute(f"create database {name} template {original}")
    pool = await create_pool(f"{server}/{name}", 1)
    async with pool.acquire() as conn:
        if request.param == "large":
            await conn.execute(LARGE_TENANT)
        yield conn
    await pool.close()
    await admin.execute(f"drop database {name}")
    await admin.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_every_query_looks_its_rows_up_by_an_index(conn: Connection) -> None:
    assert set(await conn.fetchval(TABLES)) == GROWING | SMALL
    indexes = await read_indexes(conn)
    wrong = []
    for name, query in queries().items():
        plan = await generic_plan(conn, name, query.text)
        walked = {scan for scan in scans(plan) if not is_lookup(scan, indexes)}
        if AUDITS.fullmatch(name) or ONCE.fullmatch(name):
            continue
        allowed, _ = WALKS.get(name, (set(), ""))
        wrong += [f"{name}: {scan}" for scan in walked if scan.entry not in allowed]
        if allowed and not walked:
            wrong.append(f"{name} looks its rows up: it is no exception any more")
    assert wrong == []


@pytest.mark.asyncio(loop_scope="module")
async def test_pages_exclude_no_rows_while_they_are_filled(conn: Connection) -> None:
    """With a filter below its limit, a page would read any number of rows that the filter excludes."""
    excluding = set()
    for name, query in queries().items():
        if PAGED.search(query.text):
            plan = await generic_plan(conn, name, query.text)
            excluding |= {name for scan in scans(plan) if scan.excluded}
    assert excluding == EXCLUDING.keys()


@pytest.mark.asyncio(loop_scope="module")
async def test_functions_and_triggers_look_their_rows_up_by_an_index(conn: Connection) -> None:
    indexes = await read_indexes(conn)
    assert set(await conn.fetchval(FUNCTIONS)) == INLINED | CALLS.keys()
    logged: list[str] = []

    def log(_: object, message: asyncpg.PostgresLogMessage) -> None:
        logged.append(str(message.message))

    conn.add_log_listener(log)
    await conn.execute(LOG_PLANS)
    for statement in CALLS.values():
        await conn.execute(statement)
    conn.remove_log_listener(log)
    found = {scan for message in logged for scan in scans(json.loads(message.partition("plan:")[2])["Plan"])}
    of_quarantine = {"quarantine", "quarantine_groups", "quarantine_hours"}
    assert {scan.table for scan in found} == {"aliases", "entities", "facts", "links", "operations"} | of_quarantine
    assert [scan for scan in found if not is_lookup(scan, indexes)] == []


class Scan(NamedTuple):
    """One node of a plan that reads a table that grows. ``entry``: the index; empty if the table itself is read.
    ``excluded``: the filter by which it excludes rows that it has read."""

    table: str
    entry: str
    condition: str
    excluded: str


async def generic_plan(conn: Connection, name: str, text: str) -> dict[str, Any]:
    """Returns the generic plan of a query: the one that PostgreSQL uses for a prepared statement with any arguments."""
    arguments = ", ".join(["null"] * len((await conn.prepare(text)).get_parameters()))
    await conn.execute(f"prepare {name} as {text}")
    found = await conn.fetchval(f"explain (format json) execute {name}{arguments and f'({arguments})'}")
    await conn.execute(f"deallocate {name}")
    plan: dict[str, Any] = json.loads(found)[0]["Plan"] if isinstance(found, str) else found[0]["Plan"]
    return plan


def scans(node: dict[str, Any], table: str = "") -> Iterator[Scan]:
    """Yields the scans of tables that grow in a plan, and those of functions that should have become a part of it."""
    if node.get("Function Name") in INLINED:
        yield Scan(node["Function Name"], "", "", "")
    table = node.get("Relation Name", table)
    if "Scan" in node["Node Type"] and table in GROWING and node["Node Type"] not in ("Bitmap Heap Scan", "Tid Scan"):
        yield Scan(table, node.get("Index Name", ""), node.get("Index Cond", ""), node.get("Filter", ""))
    for child in node.get("Plans", []):
        yield from scans(child, table if node["Node Type"] == "Bitmap Heap Scan" else "")


def is_lookup(scan: Scan, indexes: dict[str, list[str]]) -> bool:
    """Whether a scan reads few rows: a column that leads to few follows columns of the index that are compared by =."""
    compared: dict[str, set[str]] = {}
    for column, operator in _COMPARED.findall(scan.condition):
        compared.setdefault(column, set()).add(operator)
    for columns in _ROWS_COMPARED.findall(scan.condition):  # keyset pagination: a page begins at one index entry
        compared |= {column: {"="} for column in columns.split(", ")}
    for column in indexes.get(scan.entry, []):
        operators = compared.get(column, set())
        if column in LOOKUPS.get(scan.table, ()) and operators:
            return True
        bounded = "=" in operators or {operator[0] for operator in operators} == {"<", ">"}
        if column in WINDOWS.get(scan.table, ()) and bounded:
            return True
        if "=" not in operators:
            return False
    return False


async def read_indexes(conn: Connection) -> dict[str, list[str]]:
    """Returns the columns of each index, in order."""
    rows = await conn.fetch(
        "select c.relname as index, array_agg(pg_get_indexdef(c.oid, n, true) order by n) as columns "
        "from pg_class c join pg_namespace s on s.oid = c.relnamespace, generate_series(1, c.relnatts) n "
        "where c.relkind = 'i' and s.nspname = 'tether' group by c.relname"
    )
    return {row["index"]: row["columns"] for row in rows}
