"""Which items of the feed a reader wants."""

from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.registry import Contracts
from catalog.relationship import Relationship
from catalog.replica import Replica
from errors import Refused
from store.read import feed_filters
from store.read.feed_filters import Filter


class FeedQuery(NamedTuple):
    """Which items. ``only_kind``, ``only_relationship``: None for all of them."""

    relationships: tuple[Relationship, ...]
    """Links of these."""
    entities: bool
    only_kind: str | None
    facts: bool
    """With ``only_kind`` and no relationship: that entities of the kind were erased."""
    only_relationship: str | None
    """Of facts."""
    activity: bool
    """If ``only_kind`` is given: that about entities of this kind, or of the feed of this name."""
    parent: str | None = None
    """Only links that have, or had, this parent, and facts about them."""
    replica: Replica | None = None
    """Entities have its fields alone."""
    filter: Filter | None = None
    """Of the attributes of an item's event."""
    only_changes: bool = False
    """Without versions of entities that differ from the one before in nothing that is shown."""
    with_previous: bool = False
    """Items of entities say what the version before was."""
    contracts: Contracts | None = None
    """By which activity of older versions is shown as the newest."""

    @property
    def selective(self) -> bool:
        """Whether items are left out after they were read."""
        return self.parent is not None or self.filter is not None or self.only_changes


def query_for(
    catalog: Catalog,
    relationship: str | None = None,
    kind: str | None = None,
    *,
    parent: str | None = None,
    replica: str | None = None,
    filters: str | None = None,
    changes: str | None = None,
    previous: bool = False,
) -> FeedQuery:
    """Returns the query for a relationship (its links and facts), for a kind (its entities and activity), for a replica
    (entities of its kind, with its fields, and merges), or for everything.

    ``parent``: a key, of links of the relationship. ``filters``: JSON (`feed_filters`). ``changes``: None or ``only``.
    Raises Unknown if one of the names is not declared, Refused for a combination that has no meaning.
    """
    if parent is not None and relationship is None:
        raise Refused("parent: name its relationship, too")
    if changes not in (None, "only"):
        raise Refused(f"changes: {changes[:40]!r} is not known; the value is: only")
    found = catalog.replica(replica) if replica is not None else None
    if found is not None:
        if relationship is not None or kind not in (None, found.of):
            raise Refused(
                f"replica: {found.name} has entities of the kind {found.of} and nothing else; leave the rest out"
            )
        kind = found.of
    query = _selection(catalog, relationship, kind)
    if found is not None:
        query = query._replace(activity=False, facts=False, replica=found)
    if parent is not None and relationship is not None:
        parent = catalog.contracts.key(catalog.relationship(relationship).parent, parent)
    return query._replace(
        contracts=catalog.contracts,
        parent=parent,
        filter=None if filters is None else feed_filters.parse(filters),
        only_changes=changes == "only",
        with_previous=previous,
    )


def _selection(catalog: Catalog, relationship: str | None, kind: str | None) -> FeedQuery:
    if kind is not None:
        catalog.owner_of(kind)
    everything = relationship is None and kind is None
    relationships = tuple(catalog.relationships.values()) if everything else ()
    if relationship is not None:
        relationships = (catalog.relationship(relationship),)
    return FeedQuery(
        relationships=relationships,
        entities=relationship is None or kind is not None,
        only_kind=kind,
        facts=True,
        only_relationship=relationship,
        activity=bool(catalog.contracts.activity) and (relationship is None or kind is not None),
    )
