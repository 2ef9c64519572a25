"""Keys that earlier versions took, and that are longer than new facts may have: readable, and no obstacle to others."""

from datetime import timedelta

import orjson

from activities.signal_intake import SignalIntake
from catalog import limits
from config import Limits
from facts.envelope import Entry
from facts.validation import Validator
from messages.relationship import RelationshipInstance
from messages.signals import SignalledFact, SignalReport
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.migrate import migrate
from store.operations import links, operations
from store.operations.operations import NewOperation
from store.operations.start_requests import start_request
from store.read import entities, waits
from store.read.waits import WaitQuery
from tests.store.write.test_backfill import BEFORE, node
from tests.support.events import event
from tests.support.scripts import text_of
from tests.support.tenants import CATALOG, YARD, StoreTenant, recorded_entry

CHARACTERS = 512
"""Of the longest keys that earlier versions took."""


def longest(seed: int) -> str:
    """Returns a key of 2,048 bytes that cannot be compressed: two of them do not fit into one entry of an index."""
    return text_of("emoji", 4 * CHARACTERS, seed)


def as_before(entry: Entry, key: str, **data: str) -> Entry:
    """Returns an entry as an earlier version recorded it, whose key and references may be longer."""
    data = {**entry.data, **data}
    return entry._replace(key=key, data=data, body=orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode())


async def test_backfill_links_all_but_keys_beyond_the_limit(pool: Pool) -> None:
    before = StoreTenant(pool, BEFORE)
    parents, children = [longest(n) for n in (1, 2)], [longest(n) for n in (3, 4)]
    created = [recorded_entry(BEFORE, node("NodeAdded", f"n{n}", 1)) for n in range(6)]
    entries = [as_before(entry, key) for entry, key in zip(created, [*parents, *children, "up", "leaf"], strict=True)]
    names = {children[0]: parents[0], children[1]: "up", "leaf": parents[1]}
    references = [recorded_entry(BEFORE, node("NodeChanged", key[:3], 2)) for key in names]
    entries += [as_before(e, key, up=up) for e, (key, up) in zip(references, names.items(), strict=True)]
    entries.append(as_before(recorded_entry(BEFORE, node("NodeAdded", "twig", 1)), "twig", up="up"))
    answer = await before.recorder.record(before.name, entries, actor="test")
    assert (answer.accepted, answer.refused) == (len(entries), {})
    await migrate(pool, YARD)
    later = StoreTenant(pool, YARD)
    _, rows = await later.rows()
    assert {row["child"] for row in rows if row["relationship"] == "tree"} == {"twig"}
    report = await later.audit()
    assert report.violated == []
    async with snapshot(pool, later.name) as at:
        for key in (*parents, *children):
            found = await entities.find(at, YARD, "node", key)
            assert found is not None
            assert found.state == "live"


async def test_link_requested_with_longer_keys_does_not_keep_others_from_ending(tenant: StoreTenant) -> None:
    pool, rel = tenant.pool, CATALOG.relationship("category_item")
    parent, child = longest(1), longest(2)
    await tenant.recorder.record(
        tenant.name,
        [
            as_before(recorded_entry(CATALOG, event("CategoryAdded", "c", 1, name="c")), parent),
            as_before(recorded_entry(CATALOG, event("ItemAdded", "i", 1, name="i", category=None)), child),
            recorded_entry(CATALOG, event("ItemAdded", "short", 1, name="i", category=None)),
            recorded_entry(CATALOG, event("CategoryAdded", "short", 1, name="c")),
        ],
        actor="test",
    )
    ids = [await operation(tenant, *ends) for ends in ((parent, child), (parent, "short"), ("short", "short"))]
    for key in (parent, "short"):
        await links.finish_ready(pool, CATALOG, tenant.name, rel, key)
    rows = [await operations.find(pool, tenant.name, id) for id in ids]
    assert [row.state for row in rows] == ["refused", "refused", "done"]
    assert rows[0].ended_because == "key_too_long"


async def operation(tenant: StoreTenant, parent: str, child: str) -> str:
    """Starts an explicit link as an earlier version did, whatever the size of its keys; returns its id."""
    async with start_request(tenant.pool, tenant.name, "test", None, (parent, child)) as request:
        row = await request.start(
            NewOperation(
                kind="link",
                workflow="relationship",
                about="category_item",
                key=parent,
                timeout=timedelta(hours=1),
                relationship="category_item",
                parent=parent,
                child=child,
            )
        )
    return row.id


async def test_longer_key_keeps_its_links_when_facts_follow(tenant: StoreTenant) -> None:
    parent = text_of("cyrillic", 2 * CHARACTERS)
    added = as_before(recorded_entry(CATALOG, event("ItemAdded", "i", 1, name="i")), "i", category=parent)
    await tenant.recorder.record(tenant.name, [added], actor="test")
    await tenant.record(event("ItemUpdated", "i", 2, name="j"))
    _, rows = await tenant.rows()
    assert [(row["child"], row["parent"]) for row in rows] == [("i", parent)]
    async with snapshot(tenant.pool, tenant.name) as at:
        (waiting,), _ = await waits.page(at, WaitQuery(), None, 10, at.now)
    assert waiting.wait.parent == parent
    await tenant.record(event("ItemUpdated", "i", 3, name="j", category="short"))
    _, rows = await tenant.rows()
    assert [(row["child"], row["parent"]) for row in rows] == [("i", "short")]
    assert limits.size(parent) > limits.KEY
    assert (await tenant.audit()).violated == []


async def test_fact_signalled_to_a_workflow_of_a_longer_key_is_quarantined(tenant: StoreTenant) -> None:
    validator = Validator(CATALOG, Limits())
    intake = SignalIntake(tenant.recorder, validator, CATALOG, tenant.pool, mode="open")
    for size in (limits.KEY, limits.KEY + 1):
        created = event("ChannelCreated", f"ch{size}", 1, name="x")
        parent = text_of("han", size)
        instance = RelationshipInstance(tenant=tenant.name, relationship="group_channel", parent=parent)
        fact = SignalledFact(name="ChannelCreated", body=orjson.dumps(created).decode())
        accepted = await intake.record(SignalReport(instance=instance, facts=[fact]))
        assert (accepted is not None) == (size == limits.KEY)
    _, rows = await tenant.rows()
    assert [(row["child"], row["parent"]) for row in rows] == [("ch512", text_of("han", limits.KEY))]
    (reason,) = [row["reason"] for row in await tenant.pool.fetch("select reason from quarantine")]
    assert reason == f"the parent that the workflow is about is longer than {limits.KEY} bytes: it has 513"
