"""Trees: the deletion of a folder deletes all folders below it, level by level, each once, also in circles."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from examples.owner.misbehaviour.settings import MisbehaviourSettings
from messages.child_reasons import describe_child
from store.audit.verify import verify
from store.db.pool import Pool
from store.migrate import migrate
from store.operations import listings, operations, plans
from store.operations.plans import PlanRequest
from tests.support.archive import ARCHIVE as SERVICE
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.scenario import Scenario
from tests.support.tenants import ARCHIVE
from tests.support.tree_history import Folders, History, count_facts, grown, history

pytestmark = pytest.mark.stack

LEVELS, FOLDERS = 8, 200
UNFINISHED = """
select (select count(*) from outbox where tenant = $1)
     + (select count(*) from operations where tenant = $1 and state in ('waiting', 'requested', 'running'))
"""


@pytest.fixture
async def archive(pool: Pool, client: Client, tmp_path: Path) -> AsyncIterator[Scenario]:
    """Runs the owner of folders, and all processes of Tether."""
    await migrate(pool, ARCHIVE)
    harness = Harness(pool, ARCHIVE, client, f"t{uuid4().hex[:12]}")
    scenario = Scenario(harness, tmp_path, {"archive": SERVICE})
    async with scenario.running(), harness.running():
        yield scenario
    await harness.recorder.close()


async def create(archive: Scenario, kind: str, parents: Folders, field: str = "parent") -> None:
    """Creates entities at the owner, each below its parent, one after the other."""
    for key, parent in parents.items():
        await archive.request_owner("archive", "POST", f"/{kind}/{key}", **{field: parent})


async def move(archive: Scenario, key: str, to: str | None) -> None:
    """Moves a folder at its owner, as the owner's users do; a folder that is deleted by now stays deleted."""
    await archive.client["archive"].post(f"/folder/{key}/moves", json={"parent": to})


async def wait_until_known(archive: Scenario, tmp_path: Path) -> History:
    """Waits until Tether has recorded all facts of the owner and nothing is under way; returns the owner's history."""
    harness = archive.harness

    async def quiet() -> bool:
        known = await harness.pool.fetchval("select count(*) from facts where tenant = $1", harness.tenant)
        unfinished = await harness.pool.fetchval(UNFINISHED, harness.tenant)
        return bool(unfinished == 0 and known == count_facts(tmp_path / "archive.db"))

    await eventually(quiet)
    return history(tmp_path / "archive.db")


def deletions(archive: Scenario) -> Counter[str]:
    """Returns path → number of different requests by which Tether requested its deletion."""
    sent = set(zip(archive.transport.keys, archive.transport.requests, strict=True))
    return Counter(path for _, (_, method, path) in sent if method == "DELETE")


async def operations_by_key(archive: Scenario) -> dict[str, Any]:
    """Returns key → the cascade of its deletion."""
    rows = await archive.harness.pool.fetch(
        "select * from operations where tenant = $1 and workflow = 'cascade'", archive.harness.tenant
    )
    assert len({row["key"] for row in rows}) == len(rows)
    return {row["key"]: row for row in rows}


async def assert_tables_agree(archive: Scenario, found: History) -> None:
    """Asserts that the tables hold what the owner has, and what the model makes of the ledger."""
    harness = archive.harness
    for name, rel in ARCHIVE.relationships.items():
        if rel.field is not None and archive.harness.catalog.owner_of(rel.child) == "archive":
            wanted = {key: parents[rel.field] for (kind, key), parents in found.live.items() if kind == rel.child}
            assert await harness.links(name) == {key: parent for key, parent in wanted.items() if parent is not None}
    (report,) = (await verify(harness.pool, ARCHIVE, harness.tenant, rebuild=True)).tenants
    assert report.violated == []
    assert report.ledger == report.tables


async def test_tree_of_eight_levels_is_deleted_while_folders_move_and_arrive(archive: Scenario, tmp_path: Path) -> None:
    random = Random(8)
    tree = grown(random, FOLDERS, LEVELS)
    await create(archive, "folder", {**tree, "safe": None, "visit": "safe", "guest": "visit"})
    await create(archive, "share", {"s": "f7"}, "of")  # f7 is on the eighth level
    await archive.request_owner("archive", "POST", "/folder/shared", share="s", parent="f1")
    await move(archive, "f2", "shared")  # a circle of two kinds: shared → f2 → … → f7 → s → shared
    await wait_until_known(archive, tmp_path)
    archive.misbehave("archive", MisbehaviourSettings(duplicated=0.2, reordered=0.3, seed=8))

    before = history(tmp_path / "archive.db")
    at = archive.harness.pool, ARCHIVE, archive.harness.tenant
    plan = await plans.create(*at, PlanRequest("delete", entity_kind="folder", key="f0"), "test")
    below = before.below("folder", "f0")
    assert {part.relationship: part.children for part in plan.parts} == Counter(name for name, _ in below)

    leaving = [key for key in tree if tree[key] == "f1" and key != "f2"]
    staying = {"safe"} | {key for folder in leaving for key in (folder, *before.folders_below(folder))}
    for key in leaving:
        await move(archive, key, "safe")
    await move(archive, "f0", "f6")  # the root is below itself from now on
    await archive.request_owner("archive", "DELETE", "/folder/f0")
    doomed = [key for key in tree if key not in staying]
    await eventually(lambda: _sent(archive, 20))
    disturbed = {"visit", "guest", "shared"}
    for n in range(20):
        key, to = random.sample(doomed[1:], 2)
        disturbed |= {key, f"late{n}"}
        await asyncio.gather(
            move(archive, key, to),
            archive.request_owner("archive", "POST", f"/folder/late{n}", parent=random.choice(doomed)),
        )
    await move(archive, "visit", "f0")
    found = await wait_until_known(archive, tmp_path)

    live = {key for kind, key in found.live if kind == "folder"}
    assert leaving
    assert live >= staying
    assert not live & {"f0", "visit", "guest"}
    assert (found.below_deleted(), found.unjustified) == ([], [])
    commands = await archive.commands("archive")
    assert Counter(effects for _, effects in commands.values())[1] == found.deleted_by_request
    assert max(effects for _, effects in commands.values()) == 1
    requests = deletions(archive)
    undisturbed = tree.keys() - disturbed - {"f0"}
    assert {key: requests[f"/folder/{key}"] for key in undisturbed} == {key: key not in live for key in undisturbed}
    rows = await operations_by_key(archive)
    assert {row["state"] for row in rows.values()} == {"done"}
    assert all(row["found"] == row["confirmed"] + row["skipped"] for row in rows.values())
    by_id = {row["id"]: row for row in rows.values()}
    assert [row["key"] for row in rows.values() if row["cause"] is None] == ["f0"]
    assert {by_id[row["cause"]]["state"] for row in rows.values() if row["cause"]} == {"done"}
    await assert_tables_agree(archive, found)


async def _sent(archive: Scenario, count: int) -> bool:
    return len(archive.transport.requests) >= count


@pytest.mark.parametrize("by_tether", [False, True])
async def test_circle_is_deleted_once_around(archive: Scenario, tmp_path: Path, by_tether: bool) -> None:
    await create(archive, "folder", {"a": "c", "b": "a", "c": "b", "self": "self"})
    await wait_until_known(archive, tmp_path)
    for key in ("a", "self"):
        if by_tether:
            await archive.harness.wait_for_operation(await archive.request_deletion(key, "folder"), "done")
        else:
            await archive.request_owner("archive", "DELETE", f"/folder/{key}")
    await archive.wait_for_entities("folder", ["a", "b", "c", "self"], "deleted")
    found = await wait_until_known(archive, tmp_path)
    roots = {"/folder/a": 1, "/folder/self": 1} if by_tether else {}
    assert deletions(archive) == {"/folder/b": 1, "/folder/c": 1, **roots}
    rows = await operations_by_key(archive)
    assert rows["b"]["cause"] == rows["a"]["id"]
    assert "c" not in rows  # nothing is left below it
    await assert_tables_agree(archive, found)


async def test_cycle_of_two_kinds_is_deleted_level_by_level(archive: Scenario, tmp_path: Path) -> None:
    await create(archive, "folder", {"f0": None})
    for level in range(1, 8, 2):
        await archive.request_owner("archive", "POST", f"/share/s{level}", of=f"f{level - 1}")
        await archive.request_owner("archive", "POST", f"/folder/f{level + 1}", share=f"s{level}")
    await wait_until_known(archive, tmp_path)
    await archive.request_owner("archive", "DELETE", "/folder/f0")
    await archive.wait_for_entities("folder", ["f8"], "deleted")
    found = await wait_until_known(archive, tmp_path)
    assert not found.live
    assert set(deletions(archive).values()) == {1}
    rows = await operations_by_key(archive)
    chain = ["f0", "s1", "f2", "s3", "f4", "s5", "f6", "s7"]
    assert [rows[key]["cause"] for key in chain] == [None, *(rows[key]["id"] for key in chain[:-1])]


async def test_late_folder_is_deleted_at_whatever_level_it_arrives(archive: Scenario, tmp_path: Path) -> None:
    chain = {f"f{level}": f"f{level - 1}" if level else None for level in range(8)}
    await create(archive, "folder", chain)
    await wait_until_known(archive, tmp_path)
    await archive.request_owner("archive", "DELETE", "/folder/f0")
    await archive.wait_for_entities("folder", list(chain), "deleted")
    await create(archive, "folder", {f"late{level}": f"f{level}" for level in (0, 3, 7)})
    await create(archive, "folder", {f"below{level}": f"late{level}" for level in (0, 3, 7)})
    late = [f"{name}{level}" for name in ("late", "below") for level in (0, 3, 7)]
    await archive.wait_for_entities("folder", late, "deleted")
    found = await wait_until_known(archive, tmp_path)
    assert (found.below_deleted(), found.unjustified) == ([], [])
    assert {deletions(archive)[f"/folder/{key}"] for key in late} == {1}


async def test_hold_below_parks_its_branch_and_no_other(archive: Scenario, tmp_path: Path) -> None:
    await create(archive, "folder", {"f0": None, "f1": "f0", "f2": "f1", "f3": "f2", "g1": "f0", "g2": "g1"})
    await create(archive, "hold", {"h": "f3"}, "of")
    await wait_until_known(archive, tmp_path)
    await archive.request_owner("archive", "DELETE", "/folder/f0")
    row = await archive.wait_for_cascade("f0", "incomplete", "folder")
    await archive.wait_for_entities("folder", ["g1", "g2"], "deleted")
    await archive.wait_for_entities("folder", ["f1", "f2", "f3"])
    harness = archive.harness
    (parked,), _ = await listings.children_page(harness.pool, harness.tenant, row.id, "parked", None, 10)
    assert parked.child == "f1"
    assert "hold 'h' belongs to folder 'f3' by folder_hold" in describe_child(parked)
    await archive.request_owner("archive", "DELETE", "/hold/h")
    await archive.wait_for_entities("hold", ["h"], "deleted")
    await operations.redrive(harness.pool, harness.tenant, row.id)
    await archive.wait_for_entities("folder", ["f1", "f2", "f3"], "deleted")
    found = await wait_until_known(archive, tmp_path)
    assert set(deletions(archive).values()) == {1}
    await assert_tables_agree(archive, found)
