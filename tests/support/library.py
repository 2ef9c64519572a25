"""Says which links the facts of a library lead to, read off the rules: for tests of many-to-many relationships."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.support.events import Event
from tests.support.tenants import StoreTenant

_LISTS = {"article": [("article_tag", "tags", "tag", False)], "shelf": [("shelf_book", "books", "book", True)]}
_KINDS = {"Article": "article", "Shelf": "shelf", "Book": "book", "Tag": "tag"}
_SINGLE = {
    "ArticleTagged": ("article", "tag", True),
    "ArticleUntagged": ("article", "tag", False),
    "BookPlaced": ("shelf", "book", True),
    "BookTaken": ("shelf", "book", False),
}
_EFFECTS = {
    "Published": "created",
    "Edited": "changed",
    "Withdrawn": "deleted",
    "Built": "created",
    "Arranged": "changed",
    "Removed": "deleted",
    "Bought": "created",
    "Sold": "deleted",
    "Coined": "created",
    "Dropped": "deleted",
}


class LibraryLink(NamedTuple):
    """A link that facts lead to."""

    relationship: str
    child: str
    parent: str
    state: str


class _Fact(NamedTuple):
    place: int
    effect: str
    data: dict[str, Any]


def expected_links(events: Iterable[Event]) -> set[LibraryLink]:
    """The links of a library by its facts, each with a sequence of its own within its entity, and none merged."""
    of_entity: dict[tuple[str, str], list[_Fact]] = {}
    for event in events:
        name = event["type"].removesuffix(".v1")
        fact = _Fact(int(event["sequence"]), _SINGLE[name][1] if name in _SINGLE else "", event["data"])
        if name in _SINGLE:
            kind, _, added = _SINGLE[name]
            fact = fact._replace(effect="added" if added else "removed")
        else:
            prefix = next(word for word in _KINDS if name.startswith(word))
            kind, fact = _KINDS[prefix], fact._replace(effect=_EFFECTS[name.removeprefix(prefix)])
        of_entity.setdefault((kind, event["subject"]), []).append(fact)
    states = {at: _state(facts) for at, facts in of_entity.items()}
    found: set[LibraryLink] = set()
    for (kind, key), facts in of_entity.items():
        for name, field, element_kind, parent_lists in _LISTS.get(kind, ()):
            deleted = states[kind, key] == "deleted"
            if states[kind, key] == "unknown" or (deleted and not parent_lists):
                continue
            for element in _elements(facts, field, element_kind, last_life=deleted):
                state = {"unknown": "waiting", "live": "linked", "deleted": "broken"}[
                    states.get((element_kind, element), "unknown")
                ]
                ends = (element, key) if parent_lists else (key, element)
                found.add(LibraryLink(name, *ends, "broken" if deleted else state))
    return found


def _state(facts: Sequence[_Fact]) -> str:
    published = [fact for fact in facts if fact.effect in ("created", "changed", "deleted")]
    if not published:
        return "unknown"
    created = max((fact.place for fact in published if fact.effect == "created"), default=0)
    return "deleted" if max((f.place for f in published if f.effect == "deleted"), default=-1) > created else "live"


def _elements(facts: Sequence[_Fact], field: str, single: str, *, last_life: bool) -> set[str]:
    deletions = sorted(fact.place for fact in facts if fact.effect == "deleted")
    begun, ended = max(deletions, default=0), 10**9
    later: dict[str, str] = {}
    if last_life:
        created = max((fact.place for fact in facts if fact.effect == "created"), default=0)
        begun = max((place for place in deletions if place < created), default=0)
        ended = min(place for place in deletions if place > created)
        later = {
            f.data[single]: f.effect for f in sorted(facts) if f.effect in ("added", "removed") and f.place > ended
        }
        lived = any(f.effect in ("created", "changed") and begun < f.place < ended for f in facts)
        if not lived:  # facts about single elements are no life
            return set()
    elements: set[str] = set()
    for fact in sorted(facts):
        if not begun < fact.place < ended:
            continue
        if fact.effect in ("added", "removed"):
            (elements.add if fact.effect == "added" else elements.discard)(fact.data[single])
        elif field in fact.data:
            elements = {str(item) for item in fact.data[field] or ()}
    return {element for element in elements if later.get(element) != "removed"}


async def current_links(tenant: StoreTenant, revision: int | None = None) -> set[LibraryLink]:
    """The links in the tables as of a revision, None: as of the newest; with their states."""
    found: set[LibraryLink] = set()
    at = 9223372036854775806 if revision is None else revision
    for relationship in tenant.catalog.relationships.values():
        if relationship.many:
            rows = await tenant.pool.fetch(
                """
                select l.child, l.parent, l.of_former_incarnation as former,
                       (select e.state from entities e
                        where e.tenant = $1 and e.kind = $3 and e.key = case when $4 then l.child else l.parent end
                          and e.to_revision > $5 and e.from_revision <= $5) as state
                from links l
                where l.tenant = $1 and l.relationship = $2 and l.to_revision > $5 and l.from_revision <= $5""",
                tenant.name,
                relationship.name,
                relationship.element_kind,
                relationship.parent_lists,
                at,
            )
            states = {"unknown": "waiting", "live": "linked", "deleted": "broken"}
            found |= {
                LibraryLink(relationship.name, r["child"], r["parent"], "broken" if r["former"] else states[r["state"]])
                for r in rows
            }
    return found
