"""Whether a merge may be recorded, and what would become of clusters and links: for previews, and before the fact."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.catalog import Catalog
from errors import CardinalityBroken, Conflict, ForbiddenMerge
from facts.envelope import Entry
from facts.order_key import at_position
from messages.operation_reasons import EndReason, describe_reason
from store.db.pool import Connection
from store.operations import identity_entries
from store.operations.cluster_changes import ClusterChange, preview_change
from store.operations.merge_conflicts import LinkConflict, find_conflicts
from store.write.clusters import MergedPair

LAST = (1 << 63) - 1
"""A position after those of all facts: what is checked would arrive next."""


@dataclass(frozen=True, slots=True)
class NewMerge:
    """What to merge: the ``losers`` into the ``survivor``. ``id``: of the operation; ``reason``: for people."""

    id: str
    kind: str
    survivor: str
    losers: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckedMerge:
    """A merge as it would be. ``entries``: its facts; ``refused``: why it is refused; empty: it is not."""

    entries: list[Entry]
    change: ClusterChange
    conflicts: list[LinkConflict]
    refused: list[EndReason]


def check_kind(catalog: Catalog, kind: str) -> None:
    """Raises Unknown for a kind that is not declared, Conflict for one whose entities cannot be merged."""
    catalog.owner_of(kind)
    if kind not in catalog.contracts.merging:
        name = "".join(part.title() for part in kind.split("_"))
        raise Conflict(
            f"entities of the kind {kind!r} cannot be merged; declare it beside the facts of their owner: "
            f'class {name}Merged(Merged, entity="{kind}") with survivor: str and losers: list[str]'
        )


async def check(conn: Connection, catalog: Catalog, tenant: str, new: NewMerge, now: datetime) -> CheckedMerge:
    """Works out a merge. ``now``: the database's time, at which its facts are placed if none is known of a pair."""
    (entries,) = await identity_entries.of_merges(conn, tenant, new.kind, [new], now=now)
    pairs = [
        MergedPair(loser, new.survivor, at_position(entry.order, LAST))
        for entry in entries
        for loser in entry.data["losers"]
    ]
    keys = [new.survivor, *new.losers]
    change = await preview_change(conn, catalog, tenant, new.kind, keys, merged=pairs)
    conflicts = await find_conflicts(conn, catalog, tenant, new.kind, change)
    refused = [forbidden_reason(new.kind, path) for path in change.newly_set_aside.values()]
    refused += [conflict.reason for conflict in conflicts if conflict.refused]
    return CheckedMerge(entries, change, conflicts, refused)


def forbidden_reason(kind: str, path: Sequence[str]) -> EndReason:
    """The reason why keys cannot be merged that would join those at the ends of a path."""
    return EndReason("pair_forbidden", {"kind": kind, "path": list(path)})


def raise_refused(reasons: Sequence[EndReason]) -> None:
    """Raises ForbiddenMerge or CardinalityBroken for the first reason, if there is one."""
    for reason in reasons:
        text = describe_reason(reason)
        if reason.code == "pair_forbidden":
            raise ForbiddenMerge(text, reason.details["path"])
        raise CardinalityBroken(text)
