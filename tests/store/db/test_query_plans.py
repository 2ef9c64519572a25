"""Queries use the intended indexes on empty and on full tables, so that every page costs the same."""

import re
from collections.abc import AsyncIterator

import pytest

from store.db.pool import Connection, Pool
from store.db.sql import sql

FILL = """
insert into revisions select 'main', n, now(), 'test', 100 from generate_series(1, 200) n;
insert into entities (tenant, kind, key, state, data, latest, created, ended, from_revision)
select 'main', kind, kind || n, 'live', '{}', '', '', '', 1 + n % 200
from generate_series(1, 10000) n, unnest('{item,category}'::text[]) as k (kind);
insert into links (tenant, relationship, child, parent, since, from_revision, to_revision)
select 'main', name, 'item' || n, 'category' || n % 3, now(), n % 200,
       case when n % 5 = 0 then 1 + n % 200 else :open end
from generate_series(1, 10000) n, unnest('{category_item,dest_flight}'::text[]) as r (name);
analyze links, entities, revisions;
"""

INDEXES = {
    "entities_by_key": {"entities_pkey"},
    "states": {"entities_pkey"},
    "digests": {"facts_pkey"},
    "close_entities": {"entities_pkey"},
    "touch_entities": {"entities_pkey"},
    "close_links": {"links_pkey"},
    "relationship_status": {
        "entities_pkey",
        "tenant_revisions_pkey",
        "links_of_parent",
        "operations_open",
        "waits_pkey",
    },
    "announced_link": {"entities_pkey", "facts_of_entity", "links_of_parent"},
    "entity_at": {"entities_pkey"},
    "references_at": {"links_pkey"},
    "links_by_child": {"links_pkey", "entities_pkey"},
    "link_of_child": {"links_pkey", "entities_pkey"},
    "children_of": {"links_of_parent"},
    "holders": {"links_of_parent"},
    "parents_at": {"links_of_parent", "entities_pkey"},
    "deleted_parents": {"entities_not_live"},
    "waiting_parents": {"waits_pkey"},
    "waits_page": {"waits_pkey"},
    "waits_of_relationship": {"waits_pkey"},
    "count_children": {"links_of_parent"},
    "count_waiting": {"links_of_parent", "waits_pkey"},
    "count_broken": {"links_of_parent", "entities_not_live"},
    "link_versions": {"links_pkey"},
    "fact_by_order": {"facts_of_entity"},
    "next_keys": {"entities_pkey"},
    "feed_revisions": {"revisions_pkey"},
    "feed_entities": {"entities_from"},
    "feed_links": {"links_from", "links_to", "links_pkey", "entities_pkey"},
    "feed_claims": {"links_from", "links_to", "entities_pkey"},
    "feed_parents": {"entities_from", "entities_pkey"},
    "feed_facts": {"facts_of_tether"},
    "store_child_outcomes": {"operation_children_pkey", "operation_children_open"},
    "settle_children": {"operation_children_open", "links_pkey", "entities_pkey"},
    "count_candidates": {"links_of_parent", "operation_children_pkey"},
    "cascade_candidates": {"links_of_parent", "operation_children_pkey"},
}


@pytest.fixture(params=["empty", "full"])
async def conn(pool: Pool, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    async with pool.acquire() as conn:
        if request.param == "full":
            await conn.execute(FILL.replace(":open", "9223372036854775807"))
        yield conn


async def test_queries_of_reads_and_writes_use_their_indexes(conn: Connection) -> None:
    wrong = {}
    for name, wanted in INDEXES.items():
        plan = await generic_plan(conn, name)
        used = set(re.findall(r"(?:using|Index Scan on) (\w+)", plan))
        if used != wanted or "Seq Scan" in plan:
            wrong[name] = plan
    assert wrong == {}, "\n\n".join(f"{name}\n{plan}" for name, plan in wrong.items())


async def generic_plan(conn: Connection, name: str) -> str:
    """Returns the generic plan of a query: the one that PostgreSQL uses for a prepared statement with any arguments."""
    arguments = ", ".join(["null"] * len((await conn.prepare(sql(name))).get_parameters()))
    await conn.execute(f"set plan_cache_mode = force_generic_plan; prepare {name} as {sql(name)}")
    rows = await conn.fetch(f"explain execute {name} ({arguments})")
    return "\n".join(row[0] for row in rows)
