"""Lays merges over a difference: its links become links of survivors, and links follow merges that begin or end.

A difference is computed from what owners stated, each record by itself. Here it is brought to what readers see: a link
belongs to the survivors of the two keys that it was stated with. See docs/decisions/0027-merges.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.write import merge_pairs
from store.write.aliases import survivors_of
from store.write.diff import ClosedLink, Diff, EntityKey, LoserChange, OpenedLink, Renamed
from store.write.entity_state import FoldedEntity, find_entities
from store.write.last_lives import last_lives
from store.write.merged_links import at_survivor, depends_on_record, link_of, own_link
from store.write.survivors import Overlaid, Survivors


class _LinkedRecord(NamedTuple):
    key: str


class _LinkRow(NamedTuple):
    relationship: str
    child: str
    parent: str
    rank: bytes | None
    stated_child: str | None
    stated_parent: str | None


async def lay(conn: Connection, catalog: Catalog, tenant: str, diff: Diff, facts: Sequence[Entry]) -> Overlaid:
    """Brings a difference to what readers see, and adds to it what follows from facts about identity. The links by
    lists are left to `store/write/lists.py`.

    ``diff``: as computed from the records alone, altered; ``facts``: the new facts that it was computed from.
    """
    overlay = _Overlay(conn, catalog, tenant, diff, facts)
    await overlay.add_merges()
    clusters = await overlay.clusters_to_derive()
    overlay.rename(clusters)
    await overlay.follow_parents()
    await overlay.derive_children(clusters)
    overlay.leave_losers()
    return Overlaid(overlay.names, overlay.causes)


class _Overlay:
    """One difference, step by step. ``causes``: entities whose survivor changes, each with the fact that causes it;
    ``alone``: those of which it may change, and that were in no pair before."""

    def __init__(self, conn: Connection, catalog: Catalog, tenant: str, diff: Diff, facts: Sequence[Entry]) -> None:
        self._conn, self._catalog, self._tenant, self._diff, self._facts = conn, catalog, tenant, diff, facts
        self._merging = catalog.contracts.merging
        self.names = Survivors(conn, tenant, diff, self._merging)
        self.causes: dict[EntityKey, Entry] = {}
        self._alone: set[EntityKey] = set()

    async def add_merges(self) -> None:
        """Stores what facts say about pairs, and adds the aliases that begin and end."""
        by_kind: dict[str, list[Entry]] = {}
        for fact in self._facts:
            if merge_pairs.is_about_identity(self._catalog, fact):
                by_kind.setdefault(fact.kind, []).append(fact)
        for kind, facts in by_kind.items():
            changed = await merge_pairs.record(self._conn, self._catalog, self._tenant, kind, facts)
            before = await survivors_of(self._conn, self._tenant, [(kind, key) for key in changed.merged_before])
            survivors = changed.clusters.survivors
            for key in changed.keys:
                at = kind, key
                self._change_survivor(at, before.get(at, key), survivors.get(key, key), facts[-1])
            self.names.set_members(kind, changed.keys)
            self._alone |= {(kind, key) for key in changed.keys if key not in changed.merged_before}
            self._diff.merges += changed.merges

    def _change_survivor(self, at: EntityKey, before: str, now: str, cause: Entry) -> None:
        self.names.set(at, before, now)
        if before == now:
            return
        self.causes[at] = cause
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
        diff, names = self._diff, self.names
        records = {(entity.kind, entity.key) for entity in (*diff.versions, *diff.touched)}
        links: list[OpenedLink | ClosedLink] = [*diff.opened, *diff.closed]
        children = {(link.relationship.child, link.child): link.cause for link in links}
        parents = {(link.relationship.parent, link.parent) for link in links}
        changes = {change.at: change.cause for change in (*diff.state_changes, *diff.recreated, *diff.ends)}
        await names.look_up(records | children.keys() | parents | changes.keys())
        again = dict(self.causes)
        for at, cause in self.causes.items():
            for key in self._around(at):
                if key != at[1]:
                    again[at[0], key] = cause
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
        again = {at: cause for at, cause in again.items() if at[0] in self._catalog.references}
        known = records | children.keys()
        members = {*again, *((kind, loser) for kind, key in again for loser in names.losers(kind, key))}
        linked = known | await self._linked(members - known)
        return {
            at: cause
            for at, cause in again.items()
            if at in linked or any((at[0], loser) in linked for loser in names.losers(*at))
        }

    async def _linked(self, entities: Collection[EntityKey]) -> set[EntityKey]:
        """Those of these entities that can have a link as a child, or have one: of most there is nothing to derive."""
        by_kind: dict[str, list[str]] = {}
        for kind, key in entities:
            by_kind.setdefault(kind, []).append(key)
        found: set[EntityKey] = set()
        for kind, keys in by_kind.items():
            references = self._catalog.references[kind]
            rows = await fetch_rows(
                self._conn,
                _LinkedRecord,
                "linked_records",
                tenant=self._tenant,
                kind=kind,
                alone=[key for key in keys if (kind, key) in self._alone],
                merged=[key for key in keys if (kind, key) not in self._alone],
                relationships=[relationship.name for relationship in references],
                fields=[relationship.root for relationship in references if relationship.root is not None],
            )
            found |= {(kind, row.key) for row in rows}
        return found

    def _around(self, at: EntityKey) -> tuple[str, str]:
        return self.names.before(*at), self.names.now(*at)

    def rename(self, clusters: Collection[EntityKey]) -> None:
        """Lets links that begin and end be those of survivors. ``clusters``: leaves out theirs, which are derived."""
        diff, names = self._diff, self.names
        diff.closed = [
            ended._replace(parent=names.before(ended.relationship.parent, ended.parent))
            for ended in diff.closed
            if not self._is_of(clusters, ended)
        ]
        diff.opened = [at_survivor(self.names, link) for link in diff.opened if not self._is_of(clusters, link)]

    def _is_of(self, clusters: Collection[EntityKey], link: OpenedLink | ClosedLink) -> bool:
        kind = link.relationship.child
        return (kind, link.child) in clusters or (kind, self.names.now(kind, link.child)) in clusters

    async def follow_parents(self) -> None:
        """Lets the links to entities whose survivor changes follow it."""
        causes: dict[tuple[Relationship, str], Entry] = {}
        for at, cause in self.causes.items():
            before, now = self._around(at)
            for relationship in self._catalog.referred.get(at[0], ()):
                # A rank depends on whether the parent is merged: that of all links of both survivors may change.
                for key in (at[1], before, now) if relationship.exclusive else (before,):
                    causes[relationship, key] = cause
        if not causes:
            return
        rows = await fetch_rows(
            self._conn,
            _LinkRow,
            "links_of_parents",
            tenant=self._tenant,
            relationships=list({relationship.name for relationship, _ in causes}),
            parents=list({key for _, key in causes}),
            exclusive=list({relationship.name for relationship, _ in causes if relationship.exclusive}),
            stated=list({key for _, key in self.causes}),
        )
        relationships = self._catalog.relationships
        rows = [row for row in rows if (relationships[row.relationship], row.parent) in causes]
        links: list[OpenedLink | ClosedLink] = [*self._diff.opened, *self._diff.closed]
        changed = {(link.relationship.name, link.child) for link in links}
        left = [row for row in rows if (row.relationship, row.child) not in changed]
        await self.names.look_up(
            {(relationships[row.relationship].parent, row.stated_parent or row.parent) for row in left}
        )
        children = await self._records(
            {
                (relationships[row.relationship].child, row.stated_child or row.child)
                for row in left
                if depends_on_record(relationships[row.relationship])
            }
        )
        for row in left:
            relationship = relationships[row.relationship]
            at = relationship.child, row.stated_child or row.child
            record = children.get(at) or FoldedEntity(*at)
            cause = causes[relationship, row.parent]
            link = link_of(self.names, relationship, row.child, row.stated_parent or row.parent, record, cause)
            self._replace(row, link, relationship, cause)

    async def derive_children(self, clusters: dict[EntityKey, Entry]) -> None:
        """Derives the own links of clusters from the records of their members."""
        if not clusters:
            return
        diff, names = self._diff, self.names
        members = {at: [(at[0], key) for key in (at[1], *names.losers(*at))] for at in clusters}
        records = await self._records({at for of_one in members.values() for at in of_one})
        retired = {at for of_one in members.values() for at in of_one[1:] if records[at].state == "deleted"}
        records |= await last_lives(self._conn, self._catalog, self._tenant, retired, self._facts)
        wanted = [(relationship, at) for at in clusters for relationship in self._catalog.references[at[0]]]
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
                link = own_link(names, relationship, [records[member] for member in members[at]], clusters[at])
            self._replace(row, link, relationship, clusters[at])

    def _replace(self, row: _LinkRow | None, link: OpenedLink | None, relationship: Relationship, cause: Entry) -> None:
        """Adds to the difference that a link takes the place of the one in the table, unless they are the same."""
        if row is not None and link is not None and row[2:] == _columns(link):
            return
        if row is not None:
            self._diff.closed.append(ClosedLink(relationship, row.child, row.parent, cause))
        if link is not None:
            self._diff.opened.append(link)

    def leave_losers(self) -> None:
        """Leaves out changes of losers: an entity that is merged into another one has no children to wait for.

        Their records are listed instead, and those of survivors whose state changes: children may have been requested
        for one of their lives.
        """
        diff, names = self._diff, self.names
        changes = (*diff.state_changes, *diff.recreated, *diff.ends)
        causes = {(fact.kind, fact.key): fact for fact in self._facts} | {change.at: change.cause for change in changes}
        records = {at: causes[at] for e in (*diff.versions, *diff.touched) if (at := (e.kind, e.key)) in causes}
        found = [LoserChange(*at, names.now(*at), cause) for at, cause in records.items()]
        found += [
            LoserChange(c.at[0], key, c.at[1], c.cause) for c in diff.state_changes for key in names.losers(*c.at)
        ]
        diff.losers = [lost for lost in found if lost.key != lost.survivor]
        awaited = {c.at for c in diff.state_changes if c.was_placeholder and names.now(*c.at) != c.at[1]}
        if awaited:  # what waited for their first fact waits no longer, although that change is left out
            diff.renamed = [one._replace(was_placeholder=(one.kind, one.key) in awaited) for one in diff.renamed]
        diff.state_changes, diff.recreated, diff.ends = (
            [change for change in changes if names.now(*change.at) == change.at[1]]
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
