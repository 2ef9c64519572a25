"""What the fixture must contain, counted with the schema that it was written with."""

from typing import Any

_QUERIES = {
    "operations": "select kind || ' ' || state || case when stuck_since is not null then ', stuck' else '' end,"
    " count(*) from operations group by 1 order by 1",
    "children of operations": "select state, count(*) from items group by 1 order by 1",
    "waits": "select relationship || ' lacks ' || lacks || case when told_at is not null then ', announced'"
    " when due < now() then ', overdue' when started_at is not null then ', has a workflow' else '' end, count(*)"
    " from waits group by 1 order by 1",
    "intents": "select workflow || case when dispatched_at is null then ', not dispatched' else '' end, count(*)"
    " from intents group by 1 order by 1",
    "plans": "select kind || case when operation is null then ', not executed' else '' end, count(*)"
    " from plans group by 1 order by 1",
    "other rows": "select 'tenants', count(*) from heads"
    " union all select 'facts in quarantine', count(*) from quarantine"
    " union all select 'API keys', count(*) from credentials"
    " union all select 'idempotency keys of requests', count(*) from requests"
    " union all select 'remembered request bodies', count(*) from wordings"
    " union all select 'entities created anew', count(*) from entities where ended <> '' and state = 'live'"
    " union all select 'promises not to cascade', count(*) from operations where reason like 'the owner had been %'"
    " union all select 'operations without a declaration', count(*) from operations where reason like 'not declared%'"
    " order by 1",
}

CONTENTS: dict[str, dict[str, int]] = {
    "children of operations": {
        "asked": 3,
        "done": 11,
        "failing": 6,
        "parked": 6,
        "planned": 2,
        "spared": 1,
    },
    "intents": {
        "cascade": 6,
        "cascade, not dispatched": 2,
        "move": 12,
        "move, not dispatched": 2,
        "plan": 1,
        "plan, not dispatched": 1,
        "relationship": 8,
        "relationship, not dispatched": 3,
    },
    "operations": {
        "cascade done": 3,
        "cascade incomplete": 2,
        "cascade running, stuck": 4,
        "delete asked, stuck": 1,
        "delete cancelled": 2,
        "delete waiting": 1,
        "delete waiting, stuck": 1,
        "detach done": 1,
        "link done": 1,
        "link waiting": 3,
        "move asked": 1,
        "move asked, stuck": 1,
        "move done": 1,
        "move refused": 1,
        "move running": 2,
        "move superseded": 1,
        "move waiting": 6,
        "move waiting, stuck": 2,
        "unlink done": 1,
    },
    "other rows": {
        "API keys": 3,
        "entities created anew": 5,
        "facts in quarantine": 2,
        "idempotency keys of requests": 11,
        "operations without a declaration": 3,
        "promises not to cascade": 2,
        "remembered request bodies": 14,
        "tenants": 2,
    },
    "plans": {
        "delete, not executed": 3,
        "detach": 1,
        "detach, not executed": 1,
        "move": 2,
        "move, not executed": 1,
    },
    "waits": {
        "category_item lacks parent": 4,
        "category_item lacks parent, announced": 2,
        "category_item lacks parent, has a workflow": 2,
        "category_item lacks parent, overdue": 2,
        "group_channel lacks child": 1,
        "group_channel lacks child, has a workflow": 4,
        "membership lacks child, has a workflow": 2,
    },
}


async def contents(conn: Any) -> dict[str, dict[str, int]]:
    """What the loaded fixture contains, before newer migrations are applied."""
    return {name: dict([tuple(row) for row in await conn.fetch(query)]) for name, query in _QUERIES.items()}
