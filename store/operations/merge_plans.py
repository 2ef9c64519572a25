"""Previews of merges: what one would do now. Nothing is stored, and nothing changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from catalog.catalog import Catalog
from facts.validation import check_text
from messages.operation_reasons import EndReason
from store.db.pool import Pool
from store.db.snapshot import Snapshot, snapshot
from store.db.sql import fetch_rows
from store.operations import merge_checks
from store.operations.cluster_changes import ClusterChange
from store.operations.merge_checks import NewMerge
from store.operations.merge_conflicts import LinkConflict
from store.write.entity_state import EntityState, fetch_entities


class PlannedMember(NamedTuple):
    """A key of the merged entity. ``survivor``: what it stands for before."""

    key: str
    state: EntityState
    survivor: str


class MovedLinks(NamedTuple):
    """Links of one relationship that name one of these keys as their parent, and would be those of the survivor."""

    relationship: str
    key: str
    links: int


class MovedActivity(NamedTuple):
    """Activity that is recorded under one of these keys, and would be the survivor's."""

    key: str
    items: int


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge would do. ``survivor``: the key that would remain; ``moved``, ``activity``: what belongs to the keys
    that would not; ``retired``: the keys that their owner would be
    requested to retire, by ``command``; ``refused``: why it is refused; empty: it is not."""

    revision: int
    survivor: str
    members: list[PlannedMember]
    moved: list[MovedLinks]
    activity: list[MovedActivity]
    conflicts: list[LinkConflict]
    retired: list[str]
    command: str
    refused: list[EndReason]


async def plan(pool: Pool, catalog: Catalog, tenant: str, new: NewMerge) -> MergePlan:
    """Works out a merge as of the newest revision. Raises Unknown, and Conflict for a kind that cannot be merged."""
    check_text((new.survivor, new.losers))
    merge_checks.check_kind(catalog, new.kind)
    async with snapshot(pool, tenant) as at:
        checked = await merge_checks.check(at.conn, catalog, tenant, new, at.now)
        change = checked.change
        survivor = change.now(new.survivor)
        keys = _members(change, [survivor, *(change.now(key) for key in new.losers)])
        entities = await fetch_entities(at.conn, tenant, [(new.kind, key) for key in keys])
        members = [PlannedMember(e.key, e.state, change.was(e.key)) for e in entities]
        aliases = [*change.new_aliases]
        command = catalog.contracts.merging[new.kind].retire
        live = {entity.key for entity in entities if entity.state == "live"}
        return MergePlan(
            revision=at.revision,
            survivor=survivor,
            members=members,
            moved=await _moved(at, catalog, new.kind, aliases),
            activity=await fetch_rows(
                at.conn, MovedActivity, "activity_that_moves", tenant=tenant, kind=new.kind, keys=aliases
            ),
            conflicts=checked.conflicts,
            retired=[] if command is None else [key for key in aliases if key in live],
            command="" if command is None else command.__name__,
            refused=checked.refused,
        )


def _members(change: ClusterChange, survivors: Sequence[str]) -> list[str]:
    return [key for survivor in dict.fromkeys(survivors) for key in change.members(survivor)]


async def _moved(at: Snapshot, catalog: Catalog, kind: str, keys: Sequence[str]) -> list[MovedLinks]:
    return await fetch_rows(
        at.conn,
        MovedLinks,
        "links_that_move",
        tenant=at.tenant,
        relationships=[relationship.name for relationship in catalog.by_parent.get(kind, ())],
        parents=list(keys),
    )
