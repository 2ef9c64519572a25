"""Why a link is as it is, in plain words."""

from datetime import UTC, datetime

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from store.read.explain import CascadeStatus, DecidingFact, Explanation


def missing_fact(catalog: Catalog, relationship: str, missing: str) -> str:
    """The fact that is missing, and its owner: ``CategoryAdded from categories``.

    ``missing`` is the side whose fact it is, ``parent`` or ``child``.
    """
    rel = catalog.relationships.get(relationship)
    if rel is None:
        return "a fact of a relationship that is not declared any more"
    kind = rel.parent if missing == "parent" else rel.child
    names = sorted({c.name for c in catalog.contracts.by_type.values() if (c.kind, c.effect) == (kind, Effect.CREATED)})
    return f"{' or '.join(names) or 'any word of it'} from {catalog.owner_of(kind)}"


def sentence(catalog: Catalog, rel: Relationship, child: str, why: Explanation) -> str:
    """What happened, what follows from it, and what is waited for. Times are UTC."""
    subject = _told(catalog, why.child_fact, rel.child, child)
    if why.link is None:
        return f"{subject} {_ended(catalog, rel, why)}."
    parent = f"{rel.parent} {why.link.parent}"
    named = f"{subject} {_verb(why.child_fact)} {parent}"
    if why.link.state == "linked":
        return f"{named}, which is there since {_told(catalog, why.parent_fact, '', '')}."
    if why.link.state == "broken":
        deletion = _told(catalog, why.parent_fact, "", "")
        return f"{named}, which is deleted: {deletion}{_cascade(catalog, rel, why.cascade)}."
    if why.link.state == "conflict":
        return f"{named}, which has {rel.child} {why.holder} already and may have only one."
    lacking = missing_fact(catalog, rel.name, "parent")
    since, due = _date(why.link.since), _date(why.link.due or why.link.since)
    if why.link.state == "overdue":
        return f"{named}, which has not been heard of; {lacking} is overdue: waited for since {since}, due {due}."
    return f"{named}, which has not been heard of; waiting for {lacking} since {since}, due {due}."


def _cascade(catalog: Catalog, rel: Relationship, cascade: CascadeStatus | None) -> str:
    """What is being done about a child whose parent is gone."""
    if rel.sweep is None:
        return ""
    owner, command = catalog.owner_of(rel.child), rel.sweep.__name__
    if cascade is not None and cascade.child_state == "parked":
        return f"; {owner} refused: {cascade.reason}"
    if cascade is not None and cascade.child_state == "failing":
        return f"; {owner} does not answer, and will be asked again: {cascade.reason}"
    if cascade is not None and cascade.child_state == "requested" and cascade.changed_at is not None:
        return f"; {owner} was asked ({command}, {_date(cascade.changed_at)}), and its fact has not come"
    if cascade is not None and cascade.state == "cancelled":
        return "; what follows from that was cancelled before its turn"
    return f"; {owner} is to be asked ({command})"


def says(rel: Relationship, fact: DecidingFact, *, of_parent: bool, parent: str, link: bool) -> str:
    """What one of the deciding facts comes to."""
    if of_parent:
        return f"makes {rel.parent} {parent} what it is"
    return f"{_verb(fact)} {rel.parent} {parent}" if link else "ends the link"


def _verb(fact: DecidingFact | None) -> str:
    if fact is None:
        return "belongs to"
    if fact.source == OWN_SOURCE:
        return "says that it belongs to"
    return "names"


def _ended(catalog: Catalog, rel: Relationship, why: Explanation) -> str:
    last = f"{rel.parent} {why.history[-1].parent}"
    if why.child_fact is None:
        return f"belongs to no {rel.parent} any more; the last was {last}"
    contract = catalog.contracts.by_type.get(why.child_fact.type)
    if contract is not None and contract.effect is Effect.DELETED:
        return f"has ended; it belonged to {last}"
    return f"names no {rel.parent}; the last was {last}"


def _told(catalog: Catalog, fact: DecidingFact | None, kind: str, key: str) -> str:
    """``ItemAdded i7 (items, 3 Jan 2026 12:00)``; without a fact, the entity itself."""
    if fact is None:
        return f"{kind} {key}".strip() or "earlier than anybody knows"
    contract = catalog.contracts.by_type.get(fact.type)
    name = contract.name if contract is not None else fact.type.partition(".v")[0]
    owner = contract.owner if contract is not None else "Tether"
    return f"{name} {key}".rstrip() + f" ({owner}, {_date(fact.time)})"


def _date(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y %H:%M}"
