"""Lays merges over a difference: its links become links of survivors, and links follow merges that begin or end.

A difference is computed from what owners stated, each record by itself. Here it is brought to what readers see: a link
belongs to the survivors of the two keys that it was stated with. See docs/decisions/0027-merges.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import OnMerge, Relationship
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write import merge_pairs
from store.write.aliases import survivors_of
from store.write.diff import ClosedLink, Diff, EntityKey, OpenedLink, Renamed
from store.write.entity_state import UNRANKED, FoldedEntity, find_entities
from store.write.last_lives import last_lives
from store.write.survivors import Survivors

LOSERS_RANK = b"\xff"
"""Begins the rank of a child whose owner stated a loser: after the children of the survivor's own record."""


class _LinkRow(NamedTuple):
    relationship: str
    child: str
    parent: str
    rank: bytes | None
    stated_child: str | None
    stated_parent: str | None


async def lay(conn: Connection, catalog: Catalog, tenant: str, diff: Diff, facts: Sequence[Entry]) -> None:
    """Brings a difference to what readers see, and adds to it what follows from facts about identity.

    ``diff``: as computed from the records alone, altered; ``facts``: the new facts that it was computed from.
    """
    overlay = _Overlay(conn, catalog, tenant, diff, facts)
    await overlay.add_merges()
    clusters = await overlay.clusters_to_derive()
    overlay.rename(clusters)
    await overlay.follow_parents()
    await overlay.derive_children(clusters)
    overlay.leave_losers()


class _Overlay:
    """One difference, step by step. ``causes``: entities whose survivor changes, each with the fact that causes it."""

    def __init__(self, conn: Connection, catalog: Catalog, tenant: str, diff: Diff, facts: Sequence[Entry]) -> None:
        self._conn, self._catalog, self._tenant, self._diff, self._facts = conn, catalog, tenant, diff, facts
        self._merging = catalog.contracts.merging
        self._names = Survivors(conn, tenant, diff, self._merging)
        self._causes: dict[EntityKey, Entry] = {}

    async def add_merges(self) -> None:
        """Stores what facts say about pairs, and adds the aliases that begin and end."""
        by_kind: dict[str, list[Entry]] = {}
        for fact in self._facts:
            if merge_pairs.is_about_identity(self._catalog, fact):
                by_kind.setdefault(fact.kind, []).append(fact)
        for kind, facts in by_kind.items():
            changed = await merge_pairs.record(self._conn, self._catalog, self._tenant, kind, facts)
            found = await merge_pairs.clusters(self._conn, self._catalog, self._tenant, kind, changed)
            keys = sorted(changed | found.survivors.keys(), key=str.encode)
            before = await survivors_of(self._conn, self._tenant, [(kind, key) for key in keys])
            for key in keys:
                at = kind, key
                self._change_survivor(at, before.get(at, key), found.survivors.get(key, key), facts[-1])

    def _change_survivor(self, at: EntityKey, before: str, now: str, cause: Entry) -> None:
        self._names.set(at, before, now)
        if before == now:
            return
        self._causes[at] = cause
        if before != at[1]:
            self._diff.closed_aliases.append(at)
        if now != at[1]:
            self._diff.opened_aliases.append((*at, now))
        if at[1] in (before, now):
            self._diff.renamed.append(Renamed(*at, cause))

    async def clusters_to_derive(self) -> dict[EntityKey, Entry]:
        """Looks up the survivors of all that the difference names.

        Returns the survivors whose own links are to be derived from all their records, and the keys that ceased to be
        survivors, each with the fact that causes it.
        """
        diff, names = self._diff, self._names
        records = {(entity.kind, entity.key) for entity in (*diff.versions, *diff.touched)}
        links: list[OpenedLink | ClosedLink] = [*diff.opened, *diff.closed]
        children = {(link.relationship.child, link.child): link.cause for link in links}
        parents = {(link.relationship.parent, link.parent) for link in links}
        changes = {change.at: change.cause for change in (*diff.state_changes, *diff.recreated, *diff.ends)}
        await names.look_up(records | children.keys() | parents | changes.keys())
        again = {(at[0], key): cause for at, cause in self._causes.items() for key in (at[1], *self._around(at))}
        records |= children.keys()
        survivors = {(kind, names.now(kind, key)) for kind, key in records if kind in self._merging}
        exclusive = {
            (link.relationship.parent, names.now(link.relationship.parent, link.parent))
            for link in diff.opened
            if link.relationship.exclusive
        }
        await names.look_up_losers(survivors | exclusive | again.keys())
        causes = {(fact.kind, fact.key): fact for fact in self._facts} | changes | children
        for at in records:
            survivor = at[0], names.now(*at)
            if at in causes and (survivor != at or names.losers(*survivor)):
                again.setdefault(survivor, causes[at])
        return {at: cause for at, cause in again.items() if at[0] in self._catalog.by_child}

    def _around(self, at: EntityKey) -> tuple[str, str]:
        return self._names.before(*at), self._names.now(*at)

    def rename(self, clusters: Collection[EntityKey]) -> None:
        """Lets links that begin and end be those of survivors. ``clusters``: leaves out theirs, which are derived."""
        diff, names = self._diff, self._names
        diff.closed = [
            ended._replace(parent=names.before(ended.relationship.parent, ended.parent))
            for ended in diff.closed
            if not self._is_of(clusters, ended)
        ]
        diff.opened = [self._at_survivor(link) for link in diff.opened if not self._is_of(clusters, link)]

    def _is_of(self, clusters: Collection[EntityKey], link: OpenedLink | ClosedLink) -> bool:
        kind = link.relationship.child
        return (kind, link.child) in clusters or (kind, self._names.now(kind, link.child)) in clusters

    def _at_survivor(self, link: OpenedLink) -> OpenedLink:
        """The link to the survivor of the parent that was stated."""
        kind = link.relationship.parent
        parent = self._names.now(kind, link.parent)
        stated = link.parent if parent != link.parent else None
        rank = link.rank
        if rank is not None and self._names.losers(kind, parent):
            rank = _rank_among_merged(link.relationship, rank, stated)
        return link._replace(parent=parent, stated_parent=stated, rank=rank)

    async def follow_parents(self) -> None:
        """Lets the links to entities whose survivor changes follow it."""
        causes = {
            (relationship.name, key): cause
            for at, cause in self._causes.items()
            for relationship in self._catalog.by_parent.get(at[0], ())
            for key in (at[1], *self._around(at))
        }
        if not causes:
            return
        names, parents = [name for name, _ in causes], [key for _, key in causes]
        rows = await fetch_rows(
            self._conn, _LinkRow, "links_of_parents", tenant=self._tenant, relationships=names, parents=parents
        )
        links: list[OpenedLink | ClosedLink] = [*self._diff.opened, *self._diff.closed]
        changed = {(link.relationship.name, link.child) for link in links}
        left = [row for row in rows if (row.relationship, row.child) not in changed]
        relationships = self._catalog.relationships
        await self._names.look_up(
            {(relationships[row.relationship].parent, row.stated_parent or row.parent) for row in left}
        )
        children = await self._records(
            {(relationships[row.relationship].child, row.stated_child or row.child) for row in left}
        )
        for row in left:
            relationship = relationships[row.relationship]
            record = children[relationship.child, row.stated_child or row.child]
            cause = causes[row.relationship, row.parent]
            self._replace(row, self._link(relationship, row.child, row.stated_parent or row.parent, record, cause))

    async def derive_children(self, clusters: dict[EntityKey, Entry]) -> None:
        """Derives the own links of clusters from the records of their members."""
        if not clusters:
            return
        diff, names = self._diff, self._names
        members = {at: [(at[0], key) for key in (at[1], *names.losers(*at))] for at in clusters}
        records = await self._records({at for of_one in members.values() for at in of_one})
        retired = {at for of_one in members.values() for at in of_one[1:] if records[at].state == "deleted"}
        records |= await last_lives(self._conn, self._catalog, self._tenant, retired, self._facts)
        wanted = [(relationship, at) for at in clusters for relationship in self._catalog.by_child[at[0]]]
        stated = {
            (relationship.parent, parent)
            for relationship, at in wanted
            for member in members[at]
            if (parent := records[member].parent(relationship)) is not None
        }
        await names.look_up(stated)
        await names.look_up_losers({(kind, names.now(kind, key)) for kind, key in stated})
        rows = await fetch_rows(
            self._conn,
            _LinkRow,
            "links_of_children",
            tenant=self._tenant,
            relationships=[relationship.name for relationship, _ in wanted],
            children=[key for _, (_, key) in wanted],
        )
        current = {(row.relationship, row.child): row for row in rows}
        diff.opened = [link for link in diff.opened if (link.relationship.child, link.child) not in clusters]
        diff.closed = [link for link in diff.closed if (link.relationship.child, link.child) not in clusters]
        for relationship, at in wanted:
            row = current.get((relationship.name, at[1]))
            link = None
            if names.now(*at) == at[1] and records[at].state == "live":
                link = self._own_link(relationship, [records[member] for member in members[at]], clusters[at])
            self._replace(row, link, relationship, clusters[at])

    def _own_link(self, relationship: Relationship, records: Sequence[FoldedEntity], cause: Entry) -> OpenedLink | None:
        """The link of a cluster as a child. ``records``: its members, the survivor first, then the losers by key."""
        survivor = records[0]
        stated = [(record, parent) for record in records if (parent := record.parent(relationship)) is not None]
        if relationship.parent == relationship.child and len(records) > 1:
            kind = relationship.parent
            stated = [(record, parent) for record, parent in stated if self._names.now(kind, parent) != survivor.key]
        if relationship.on_merge is OnMerge.KEEP_SURVIVORS:
            stated = [(record, parent) for record, parent in stated if record is survivor]
        if not stated:
            return None
        record, parent = stated[0]
        if record is not survivor or relationship.on_merge is OnMerge.KEEP_NEWEST:
            record, parent = max(stated, key=lambda one: one[0].reference(relationship)[0])
        return self._link(relationship, survivor.key, parent, record, cause)

    def _link(
        self, relationship: Relationship, child: str, stated_parent: str, record: FoldedEntity, cause: Entry
    ) -> OpenedLink:
        """The link of a child, by the record that states the parent."""
        link = OpenedLink(
            relationship,
            child,
            stated_parent,
            record.rank(relationship),
            cause,
            record.parent_created(relationship),
            stated_child=None if record.key == child else record.key,
        )
        return self._at_survivor(link)

    def _replace(
        self,
        row: _LinkRow | None,
        link: OpenedLink | None,
        relationship: Relationship | None = None,
        cause: Entry | None = None,
    ) -> None:
        """Adds to the difference that a link takes the place of the one in the table, unless they are the same.

        ``relationship``, ``cause``: where there may be no link.
        """
        relationship, cause = (link.relationship, link.cause) if link is not None else (relationship, cause)
        assert relationship is not None
        assert cause is not None
        if row is not None and link is not None and row[2:] == _columns(link):
            return
        if row is not None:
            self._diff.closed.append(ClosedLink(relationship, row.child, row.parent, cause))
        if link is not None:
            self._diff.opened.append(link)

    def leave_losers(self) -> None:
        """Leaves out changes of losers: an entity that is merged into another one has no children to wait for."""
        diff = self._diff
        diff.state_changes, diff.recreated, diff.ends = (
            [change for change in changes if self._names.now(*change.at) == change.at[1]]
            for changes in (diff.state_changes, diff.recreated, diff.ends)
        )

    async def _records(self, wanted: Iterable[EntityKey]) -> dict[EntityKey, FoldedEntity]:
        """The records of these entities after the difference; empty ones of those that have none."""
        known = {(entity.kind, entity.key): entity for entity in (*self._diff.versions, *self._diff.touched)}
        left = {*wanted} - known.keys()
        stored = await find_entities(self._conn, self._tenant, left) if left else []
        found = known | {(entity.kind, entity.key): entity for entity in stored}
        return found | {at: FoldedEntity(*at) for at in left - found.keys()}


def _columns(link: OpenedLink) -> tuple[str, bytes | None, str | None, str | None]:
    return link.parent, link.rank, link.stated_child, link.stated_parent


def _rank_among_merged(relationship: Relationship, rank: bytes, stated_parent: str | None) -> bytes:
    """The rank of a child of a merged parent. ``rank``: by its creation; ``stated_parent``: the loser it names."""
    if relationship.on_merge is OnMerge.KEEP_NEWEST:
        return rank if rank == UNRANKED else b"\x00" + bytes(255 - byte for byte in rank) + b"\xff"
    return rank if stated_parent is None else LOSERS_RANK + rank
