"""Previews and restrictions of deletions in trees: to any depth, and where the data has circles."""

import itertools
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from catalog.relationship import RESTRICT, Cascade, Relationship
from messages.operation_reasons import EndReason, describe_reason
from store.db.sql import OPEN
from store.operations import plans
from store.operations.plan_scope import PlanRequest, changes, count_deleted, scope
from store.operations.restrictions import restrictions
from tests.support.events import Event, event
from tests.support.tenants import ARCHIVE, StoreTenant, in_a_database

CREATED = {"folder": "FolderCreated", "share": "ShareCreated", "hold": "HoldPlaced", "stamp": "StampCreated"}
Links = set[tuple[str, str, str]]
"""(relationship, child, parent) of each link."""


def created(kind: str, key: str, **parents: str | None) -> Event:
    return event(CREATED[kind], key, 1, source="/archive", **parents)


def moved(key: str, parent: str | None, sequence: int = 2) -> Event:
    return event("FolderMoved", key, sequence, source="/archive", parent=parent)


def delete(key: str, kind: str = "folder") -> PlanRequest:
    return PlanRequest("delete", entity_kind=kind, key=key)


def links_of(events: list[Event]) -> Links:
    """Returns the links that creations state."""
    kinds = {f"{fact}.v1": kind for kind, fact in CREATED.items()}
    return {
        (name, e["subject"], str(e["data"][rel.field]))
        for e in events
        for name, rel in ARCHIVE.relationships.items()
        if rel.child == kinds[e["type"]] and rel.field is not None and e["data"].get(rel.field) is not None
    }


def cascades(relationship: Relationship) -> bool:
    return isinstance(relationship.on_parent_deleted, Cascade)


def concerned(links: Links, kind: str, key: str) -> Links:
    """Returns the links that the deletion of an entity concerns: to it, and to all that would be deleted with it.

    Level by level, each entity once; the entity itself is no child of its own deletion.
    """
    level, reached, found = {(kind, key)}, {(kind, key)}, set()
    while level:
        below = set()
        for name, child, parent in links:
            rel = ARCHIVE.relationship(name)
            if (rel.parent, parent) in level and (rel.child, child) != (kind, key):
                found.add((name, child, parent))
                if cascades(rel):
                    below.add((rel.child, child))
        level = below - reached
        reached |= below
    return found


def restricting(links: Links, kind: str, key: str) -> Links:
    """Returns those of the concerned links that restrict the deletion."""
    return {
        (name, child, parent)
        for name, child, parent in concerned(links, kind, key)
        if (rel := ARCHIVE.relationship(name)).on_parent_deleted is RESTRICT
        and (rel.child, child) != (rel.parent, parent)
    }


async def previewed(tenant: StoreTenant, request: PlanRequest) -> dict[str, int]:
    """Returns relationship → number of children in a preview of the present."""
    async with tenant.pool.acquire() as conn:
        rows = await scope(conn, tenant.catalog, tenant.name, request, OPEN - 1)
    return {row.relationship: row.children for row in rows}


async def counted(tenant: StoreTenant, request: PlanRequest) -> int:
    """Returns how many entities a deletion would delete with its own."""
    async with tenant.pool.acquire() as conn:
        return await count_deleted(conn, tenant.catalog, tenant.name, request, OPEN - 1)


async def restricted(tenant: StoreTenant, kind: str, *keys: str) -> dict[str, tuple[str, str, str]]:
    """Returns key → the link that restricts its deletion."""
    async with tenant.pool.acquire() as conn:
        found = await restrictions(conn, tenant.catalog, tenant.name, kind, keys)
    return {
        key: (str(reason.details["relationship"]), str(reason.details["child"]), str(reason.details["parent"]))
        for key, reason in found.items()
    }


@st.composite
def forests(draw: st.DrawFn) -> list[Event]:
    """Folders and shares that belong to any others or to themselves, in circles of any length, and a few holds."""
    random = draw(st.randoms(use_true_random=False))
    folders = [f"f{n}" for n in range(draw(st.integers(1, 12)))]
    shares = [f"s{n}" for n in range(draw(st.integers(0, 4)))]
    events = [
        created(
            "folder",
            key,
            parent=random.choice(folders) if random.random() < 0.8 else None,
            share=random.choice(shares) if shares and random.random() < 0.3 else None,
        )
        for key in folders
    ]
    events += [created("share", key, of=random.choice(folders)) for key in shares]
    events += [created("hold", f"h{n}", of=random.choice(folders)) for n in range(draw(st.integers(0, 2)))]
    return events


@in_a_database
@given(events=forests(), seed=st.integers(0, 2**32))
async def test_preview_counts_each_child_of_a_tree_once(archive: StoreTenant, events: list[Event], seed: int) -> None:
    tenant = archive.other_tenant()
    await tenant.record(*Random(seed).sample(events, len(events)))
    links = links_of(events)
    for e in events[:3]:
        wanted = concerned(links, "folder", e["subject"])
        found = await previewed(tenant, delete(e["subject"]))
        assert found == {name: sum(link[0] == name for link in wanted) for name in {link[0] for link in wanted}}
        deleted = {(rel.child, child) for name, child, _ in wanted if cascades(rel := ARCHIVE.relationship(name))}
        assert await counted(tenant, delete(e["subject"])) == len(deleted)
        hindering = restricting(links, "folder", e["subject"])
        named = await restricted(tenant, "folder", e["subject"])
        assert set(named.values()) <= hindering
        assert bool(named) == bool(hindering)


async def test_folder_in_a_circle_is_no_child_of_its_own_deletion(archive: StoreTenant) -> None:
    await archive.record(*(created("folder", key, parent=of) for key, of in ("ac", "ba", "cb", "dd")))
    for key in "abc":
        assert await previewed(archive, delete(key)) == {"folder_folder": 2}
    assert await previewed(archive, delete("d")) == {}


async def test_folder_below_by_two_relationships_is_one_deletion(archive: StoreTenant) -> None:
    await archive.record(created("folder", "a"), created("share", "s", of="a"))
    await archive.record(created("folder", "b", parent="a", share="s"), created("folder", "c", parent="b"))
    assert await previewed(archive, delete("a")) == {"folder_folder": 2, "folder_share": 1, "share_folder": 1}
    assert await counted(archive, delete("a")) == 3


async def test_change_of_a_circle_is_what_appeared_and_vanished(archive: StoreTenant) -> None:
    await archive.record(*(created("folder", key, parent=of) for key, of in ("ac", "ba", "cb")))
    planned = (await archive.record(created("folder", "d", parent="c"))).revision
    present = (await archive.record(moved("c", None), created("folder", "e", parent="b"))).revision
    async with archive.pool.acquire() as conn:
        found = await changes(conn, ARCHIVE, archive.name, delete("a"), planned, present)
    assert [[(c.relationship, c.count, c.sample) for c in part] for part in found] == [
        [("folder_folder", 1, ["e"])],
        [("folder_folder", 2, ["c", "d"])],
    ]


async def test_stamp_that_refers_to_itself_does_not_restrict_its_deletion(archive: StoreTenant) -> None:
    await archive.record(*(created("stamp", key, of=of) for key, of in ("aa", "bc", "cb", "da")))
    assert await restricted(archive, "stamp", *"abcd") == {
        "a": ("stamp_stamp", "d", "a"),
        "b": ("stamp_stamp", "c", "b"),
        "c": ("stamp_stamp", "b", "c"),
    }


async def test_deletion_plan_names_the_hold_eight_levels_below(archive: StoreTenant) -> None:
    chain = [f"f{level}" for level in range(8)]
    await archive.record(
        created("folder", chain[0]),
        *(created("folder", key, parent=of) for of, key in itertools.pairwise(chain)),
        created("hold", "h", of=chain[-1]),
    )
    plan = await plans.create(archive.pool, ARCHIVE, archive.name, delete("f0"), "test")
    assert {part.relationship: part.children for part in plan.parts} == {"folder_folder": 7, "folder_hold": 1}
    assert plan.deleted == 7
    (reason,) = plan.restricted
    assert isinstance(reason, EndReason)
    assert "hold 'h' belongs to folder 'f7' by folder_hold" in describe_reason(reason)


async def test_depth_of_a_tree_is_limited_by_nothing_but_its_data(archive: StoreTenant) -> None:
    """Ten thousand levels: nothing recurses level by level but the database, which does so by a loop."""
    depth = 10_000
    await archive.record(
        created("folder", "f0"), *(created("folder", f"f{n}", parent=f"f{n - 1}") for n in range(1, depth))
    )
    assert await previewed(archive, delete("f0")) == {"folder_folder": depth - 1}
    assert await restricted(archive, "folder", "f0") == {}
