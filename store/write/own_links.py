"""The links of merged keys as children, before and after a merge, and the rule behind each difference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import OnMerge, Relationship
from store.db.pool import Connection
from store.db.sql import fetch_rows, fetch_value
from store.write.entity_state import FoldedEntity, StoredEntity
from store.write.last_lives import last_lives


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a merge. ``names``: all keys that it is about → the keys that stand for them at this revision."""

    tenant: str
    kind: str
    revision: int
    names: Mapping[str, str]

    @property
    def members(self) -> tuple[str, ...]:
        """All keys that it is about, by their bytes."""
        return tuple(sorted(self.names, key=str.encode))

    @property
    def survivors(self) -> tuple[str, ...]:
        """The keys that stand for them, by their bytes."""
        return tuple(sorted({*self.names.values()}, key=str.encode))


Rule = Literal["same_parent", "other_link_counts", "own_parent", "survivor_not_live", "not_the_survivors", ""]
"""Why a link of a key is set aside by a merge: another record names the same parent; another link counts; its parent is
the entity itself; the survivor is unknown or deleted; only links of the survivor's own record count. Empty: nothing
explains it."""


class OwnLink(NamedTuple):
    """A link of a key as a child. ``child``, ``parent``: as their owners stated them; ``linked``: the survivor of the
    parent."""

    relationship: str
    child: str
    parent: str
    linked: str

    @property
    def stated(self) -> tuple[str, str, str]:
        """What does not depend on merges."""
        return self[:3]


class ChangedLink(NamedTuple):
    """A link that is on one side only."""

    link: OwnLink
    rule: Rule


@dataclass(frozen=True, slots=True)
class OwnLinks:
    """The links of members as children. ``kept``: those on both sides; ``set_aside``: only before;
    ``restored``: only after, set aside by an earlier merge. ``wrong``: a link that counts after the merge although it
    should not by its rule, as a sentence; empty: there is none."""

    kept: tuple[OwnLink, ...]
    set_aside: tuple[ChangedLink, ...]
    restored: tuple[ChangedLink, ...]
    wrong: str = ""

    @property
    def lost(self) -> str:
        """A link that no rule explains, as a sentence; empty: there is none."""
        for what, links in (("is not there any more", self.set_aside), ("was not there before", self.restored)):
            for link, rule in links:
                if not rule:
                    return f"the link of {link.child!r} to {link.parent!r} by {link.relationship} {what}"
        return self.wrong

    def of(self, keys: Collection[str]) -> OwnLinks:
        """Those of some of the keys."""
        return OwnLinks(
            tuple(link for link in self.kept if link.child in keys),
            tuple(change for change in self.set_aside if change.link.child in keys),
            tuple(change for change in self.restored if change.link.child in keys),
            self.wrong,
        )

    def to_json(self) -> dict[str, Any]:
        """For the table and the API."""
        return {"kept": len(self.kept), "set_aside": _listed(self.set_aside), "restored": _listed(self.restored)}


def _listed(links: Sequence[ChangedLink]) -> list[dict[str, str]]:
    return [
        {"relationship": link.relationship, "child": link.child, "parent": link.parent, "because": rule}
        for link, rule in links
    ]


async def compare(conn: Connection, catalog: Catalog, before: Side, after: Side) -> OwnLinks:
    """Compares the links of the members of a merge as children on its two sides."""
    was, now = await _links(conn, catalog, before), await _links(conn, catalog, after)
    stated_before, stated_after = {link.stated for link in was}, {link.stated for link in now}
    gone = [link for link in was if link.stated not in stated_after]
    come = [link for link in now if link.stated not in stated_before]
    live_after = not gone or await _are_live(conn, after)
    live_before = not come or await _are_live(conn, before)
    records = await _records(conn, after, [link.child for link in come])
    return OwnLinks(
        tuple(link for link in now if link.stated in stated_before),
        tuple(ChangedLink(link, _why_gone(catalog, link, now, after, live=live_after)) for link in gone),
        tuple(
            ChangedLink(
                link, _why_come(link, was, before, live=live_before) if _is_stated(catalog, link, records) else ""
            )
            for link in come
        ),
        await _wrong(conn, catalog, after, now),
    )


async def _wrong(conn: Connection, catalog: Catalog, side: Side, links: Sequence[OwnLink]) -> str:
    """A link in force that its relationship's rule does not choose of those that the records state; empty: none is."""
    if not links:
        return ""
    records = await _records(conn, side, side.members)
    deleted = {(side.kind, key) for key, record in records.items() if record.state == "deleted"}
    retired = deleted - {(side.kind, key) for key in side.survivors}
    lives = await last_lives(conn, catalog, side.tenant, retired, revision=side.revision)
    records |= {key: life for (_, key), life in lives.items()}
    for link in links:
        relationship = catalog.relationship(link.relationship)
        survivor = side.names[link.child]
        chosen = _chosen(relationship, side, survivor, records)
        if chosen != (link.child, link.parent):
            right = "none" if chosen is None else f"that of {chosen[0]!r} to {chosen[1]!r}"
            return f"the link of {link.child!r} to {link.parent!r} by {link.relationship} counts, and {right} should"
    return ""


def _chosen(
    relationship: Relationship, side: Side, survivor: str, records: Mapping[str, FoldedEntity]
) -> tuple[str, str] | None:
    """(child, parent) of the reference that counts, of all that the records of an entity state."""
    stated: dict[str, tuple[bytes, str]] = {}
    for key, record in records.items():
        order, parent = record.reference(relationship)
        if side.names[key] != survivor or parent is None:
            continue
        alone = len([name for name in side.names.values() if name == survivor]) == 1
        if alone or relationship.parent != side.kind or side.names.get(parent) != survivor:
            stated[key] = order, parent
    own = stated.get(survivor)
    if relationship.on_merge is OnMerge.KEEP_SURVIVORS or (relationship.on_merge is OnMerge.REFUSE and own):
        return None if own is None else (survivor, own[1])
    newest = max(stated, key=stated.__getitem__, default=None)
    return None if newest is None else (newest, stated[newest][1])


def _why_gone(catalog: Catalog, link: OwnLink, now: Sequence[OwnLink], after: Side, *, live: bool) -> Rule:
    """``now``: the links after the merge; ``live``: whether all of its survivors are."""
    relationship: Relationship = catalog.relationship(link.relationship)
    if other := next((other for other in now if other.relationship == link.relationship), None):
        return "same_parent" if other.linked == link.linked else "other_link_counts"
    if relationship.parent == after.kind and link.linked in (*after.members, *after.survivors):
        return "own_parent"
    if not live:
        return "survivor_not_live"
    if relationship.on_merge is OnMerge.KEEP_SURVIVORS and link.child not in after.survivors:
        return "not_the_survivors"
    return ""


def _is_stated(catalog: Catalog, link: OwnLink, records: Mapping[str, FoldedEntity]) -> bool:
    """Whether a record names this parent. One that was deleted has named it in a life that is over, if it has."""
    record = records.get(link.child)
    if record is None:
        return False
    return record.state == "deleted" or record.parent(catalog.relationship(link.relationship)) == link.parent


def _why_come(link: OwnLink, was: Sequence[OwnLink], before: Side, *, live: bool) -> Rule:
    """``was``: the links before the merge; ``live``: whether all of its survivors were."""
    if any(other.relationship == link.relationship for other in was):
        return "other_link_counts"
    if not live:
        return "survivor_not_live"
    return "own_parent" if link.linked in before.members else ""


async def _links(conn: Connection, catalog: Catalog, side: Side) -> list[OwnLink]:
    return await fetch_rows(
        conn,
        OwnLink,
        "own_links_at",
        tenant=side.tenant,
        relationships=[relationship.name for relationship in catalog.references.get(side.kind, ())],
        survivors=list(side.survivors),
        revision=side.revision,
    )


async def _records(conn: Connection, side: Side, keys: Sequence[str]) -> dict[str, FoldedEntity]:
    if not keys:
        return {}
    at = {"tenant": side.tenant, "kind": side.kind, "revision": side.revision}
    rows = await fetch_rows(conn, StoredEntity, "child_records_at", keys=list(keys), **at)
    return {row.key: FoldedEntity.of_row(row) for row in rows}


async def _are_live(conn: Connection, side: Side) -> bool:
    live: bool = await fetch_value(
        conn,
        "are_live_at",
        tenant=side.tenant,
        kind=side.kind,
        keys=list(side.survivors),
        revision=side.revision,
    )
    return live
