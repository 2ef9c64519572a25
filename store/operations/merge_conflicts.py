"""Links that a merge brings together where only one can be: which one counts, by the rule of the relationship.

The rule is that of `store/write/overlay.py`, read here before the merge, from the links that its clusters have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import OnMerge, Relationship
from messages.operation_reasons import EndReason
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.operations.cluster_changes import ClusterChange
from store.write.aliases import survivors_of
from store.write.entity_state import NOTHING, UNRANKED, EntityState, FoldedEntity, fetch_entities
from store.write.last_lives import last_lives

Because = Literal["one_parent", "one_child", "self", "not_the_survivors", "survivor_not_live"]
"""An entity has one parent; a parent has one child, one-to-one; no entity is its own parent; by the rule of the
relationship only the survivor's own link counts; an entity that is not live has no parent."""


@dataclass(frozen=True, slots=True)
class ConflictingLink:
    """A link of one of the merged entities. ``key``: the one of them that it was stated with; ``other``: its parent, or
    its child; ``reference``: what orders it among the others; ``linked``: whether it counts now."""

    key: str
    other: str
    reference: bytes = NOTHING
    linked: bool = True


@dataclass(frozen=True, slots=True)
class LinkConflict:
    """Links of one relationship of which one counts after a merge. ``kept``: None: none does."""

    relationship: Relationship
    because: Because
    survivor: str
    kept: ConflictingLink | None
    set_aside: tuple[ConflictingLink, ...]

    @property
    def refused(self) -> bool:
        """Whether the relationship lets no caller merge them."""
        return self.because in ("one_parent", "one_child") and self.relationship.on_merge is OnMerge.REFUSE

    @property
    def reason(self) -> EndReason:
        """Why the merge is refused: both keys and both parents, or children."""
        of, last = self.relationship, self.set_aside[0]
        assert self.kept is not None
        kinds = (of.child, of.parent) if self.because == "one_parent" else (of.parent, of.child)
        return EndReason(
            "cardinality",
            {
                "relationship": of.name,
                "kind": kinds[0],
                "key": self.kept.key,
                "other": last.key,
                "linked_kind": kinds[1],
                "linked": self.kept.other,
                "other_linked": last.other,
            },
        )


class _MemberLink(NamedTuple):
    """A current link of a survivor. ``stated``: the key of its cluster that it was stated with."""

    relationship: str
    survivor: str
    stated: str
    other: str


async def find_conflicts(
    conn: Connection, catalog: Catalog, tenant: str, kind: str, change: ClusterChange
) -> list[LinkConflict]:
    """The links of which one counts once clusters of a kind change so, relationship by relationship."""
    joined = sorted({change.now(key) for key in change.new_aliases}, key=str.encode)
    found: list[LinkConflict] = []
    for survivor in joined:
        search = _ConflictSearch(conn, catalog, tenant, kind, change, survivor)
        found += await search.parents()
        found += await search.children()
    return found


@dataclass(frozen=True, slots=True)
class _ConflictSearch:
    """The conflicts of one new cluster."""

    conn: Connection
    catalog: Catalog
    tenant: str
    kind: str
    change: ClusterChange
    survivor: str

    async def parents(self) -> list[LinkConflict]:
        """Links of members as children of different parents, and of the entity to itself."""
        relationships = self.catalog.references.get(self.kind, ())
        members = self.change.members(self.survivor)
        fetched = await fetch_entities(self.conn, self.tenant, [(self.kind, key) for key in members])
        states = {record.key: record.state for record in fetched}
        records = {record.key: record for record in fetched} | await self._last_lives(states)
        rows = await self._links("links_of_members", relationships)
        found = []
        for relationship in relationships:
            links = self._effective(relationship, records, states, rows)
            parents = await self._survivors(relationship.parent, [link.other for link in links])
            itself = [link for link in links if self._is_itself(relationship.parent, parents[link.other])]
            links = [link for link in links if link not in itself]
            if itself:
                found.append(LinkConflict(relationship, "self", self.survivor, None, tuple(itself)))
            several = len({parents[link.other] for link in links}) > 1
            if several and (relationship.on_merge is OnMerge.REFUSE or states[self.survivor] == "live"):
                kept = self._parent_that_counts(relationship, links)
                counts = None if kept is None else parents[kept.other]
                others = tuple(link for link in links if parents[link.other] != counts)
                found.append(LinkConflict(relationship, "one_parent", self.survivor, kept, others))
            elif states[self.survivor] != "live":
                linked = tuple(link for link in links if link.linked)
                if linked:
                    found.append(LinkConflict(relationship, "survivor_not_live", self.survivor, None, linked))
            elif relationship.on_merge is OnMerge.KEEP_SURVIVORS and links and self._own(links) is None:
                found.append(LinkConflict(relationship, "not_the_survivors", self.survivor, None, tuple(links)))
        return found

    def _is_itself(self, kind: str, parent: str) -> bool:
        return kind == self.kind and self.change.now(parent) == self.survivor

    async def _last_lives(self, states: Mapping[str, EntityState]) -> dict[str, FoldedEntity]:
        """The last lives of members that are deleted, which go on contributing to the survivor."""
        retired = {(self.kind, key) for key, state in states.items() if state == "deleted" and key != self.survivor}
        found = await last_lives(self.conn, self.catalog, self.tenant, retired, ())
        return {key: record for (_, key), record in found.items()}

    def _effective(
        self,
        relationship: Relationship,
        records: Mapping[str, FoldedEntity],
        states: Mapping[str, EntityState],
        rows: Sequence[_MemberLink],
    ) -> list[ConflictingLink]:
        """The link that each of the joined clusters has now, or would have if its survivor were live."""
        linked = {row.survivor: row for row in rows if row.relationship == relationship.name}
        found = []
        for cluster in self._joined():
            row = linked.get(cluster)
            if row is not None:
                order, _ = records[row.stated].reference(relationship) if row.stated in records else (NOTHING, None)
                found.append(ConflictingLink(row.stated, row.other, order))
                continue
            stated = [
                ConflictingLink(key, parent, records[key].reference(relationship)[0], linked=False)
                for key in records
                if self.change.was(key) == cluster and (parent := records[key].parent(relationship)) is not None
            ]
            if stated and states[cluster] != "live":
                found.append(max(stated, key=lambda link: link.reference))
        return found

    def _parent_that_counts(
        self, relationship: Relationship, links: Sequence[ConflictingLink]
    ) -> ConflictingLink | None:
        if relationship.on_merge is OnMerge.KEEP_SURVIVORS:
            return self._own(links)
        newest = max(links, key=lambda link: link.reference)
        return newest if relationship.on_merge is OnMerge.KEEP_NEWEST else self._own(links) or newest

    def _own(self, links: Sequence[ConflictingLink]) -> ConflictingLink | None:
        """The one that the survivor's own record states."""
        return next((link for link in links if link.key == self.survivor), None)

    async def children(self) -> list[LinkConflict]:
        """Children of members by one-to-one relationships."""
        relationships = [r for r in self.catalog.by_parent.get(self.kind, ()) if r.exclusive]
        rows = await self._links("only_children_of_members", relationships)
        found = []
        for relationship in relationships:
            linked = {row.survivor: row for row in rows if row.relationship == relationship.name}
            keys = [row.other for row in linked.values()]
            names = await self._survivors(relationship.child, keys)
            if len({names[key] for key in keys}) > 1:
                children = await fetch_entities(self.conn, self.tenant, [(relationship.child, key) for key in keys])
                created = {child.key: child.created or UNRANKED for child in children}
                links = [ConflictingLink(row.stated, row.other, created[row.other]) for row in linked.values()]
                kept = self._child_that_counts(relationship, links)
                others = tuple(link for link in links if link is not kept)
                found.append(LinkConflict(relationship, "one_child", self.survivor, kept, others))
        return found

    def _child_that_counts(self, relationship: Relationship, links: Sequence[ConflictingLink]) -> ConflictingLink:
        if relationship.on_merge is OnMerge.KEEP_NEWEST:
            return max(links, key=lambda link: (link.reference != UNRANKED, link.reference))
        return min(links, key=lambda link: (link.key != self.survivor, link.reference, link.other.encode()))

    def _joined(self) -> list[str]:
        """The survivors that the new cluster has had until now, its own first."""
        before = dict.fromkeys(self.change.was(key) for key in self.change.members(self.survivor))
        return [*before]

    async def _links(
        self, query: Literal["links_of_members", "only_children_of_members"], of: Iterable[Relationship]
    ) -> list[_MemberLink]:
        relationships = list(of)
        if not relationships:
            return []
        names = [relationship.name for relationship in relationships]
        return await fetch_rows(
            self.conn, _MemberLink, query, tenant=self.tenant, relationships=names, survivors=self._joined()
        )

    async def _survivors(self, kind: str, keys: Sequence[str]) -> dict[str, str]:
        """The survivor of each key as things are; of the keys that the change is about, as they would be."""
        merged = await survivors_of(self.conn, self.tenant, [(kind, key) for key in keys])
        changed = self.change.after.survivors if kind == self.kind else {}
        return {key: changed.get(key) or merged.get((kind, key), key) for key in keys}
