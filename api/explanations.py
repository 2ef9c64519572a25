"""Sentences about links and waits, for people. Data comes in and text goes out: no code decides by a sentence."""

from collections.abc import Sequence
from datetime import UTC, datetime

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import Relationship
from catalog.vocabulary import Effect
from facts.order_key import sequence_order
from messages.child_reasons import describe_child
from messages.wait_reasons import describe_obstacle
from store.read.deciding_facts import DecidingFact, OlderFact
from store.read.link_evidence import ChildCascade, Explanation
from store.read.link_state import LinkView
from store.read.waits import WaitRow


def wait_reason(catalog: Catalog, wait: WaitRow) -> str:
    """Why a wait has not ended: ``CategoryAdded from categories has not arrived``, or what keeps the request for it."""
    obstacle = describe_obstacle(wait.last_error, wait.missing_links)
    if obstacle:
        return obstacle
    rel = catalog.relationships.get(wait.relationship)
    if rel is None:
        return "a fact of a relationship that is no longer declared has not arrived"
    return f"{_creation(catalog, rel.parent if wait.missing == 'parent' else rel.child)} has not arrived"


def similar_hint(kind: str, similar: Sequence[str]) -> str:
    """Hints at a reference that may be misspelled, as the end of a sentence; empty without similar keys.

    ``similar``: keys of live entities of this kind that differ from the missing one only in their spelling.
    """
    if not similar:
        return ""
    keys, verb = " and ".join(map(repr, similar)), "exists" if len(similar) == 1 else "exist"
    return f"; {kind} {keys} {verb}: the keys differ only in case, white space, zeros or the like"


def explain_link(catalog: Catalog, rel: Relationship, child: str, why: Explanation) -> str:
    """One sentence: the child's fact, its parent's state, and what is awaited or being done. Times are in UTC.

    ``child`` is the key of the side that names the other: the child's, or the parent's if it lists its children;
    ``why`` the explanation of a link in the relationship ``rel``.
    """
    return f"{_state(catalog, rel, child, why)}{_stale(catalog, why)}."


def explain_fact(rel: Relationship, fact: DecidingFact, *, of_parent: bool, parent: str, open_link: bool) -> str:
    """The effect of one deciding fact on a link: ``names category c1``.

    ``of_parent``: whether it is a fact of the entity that is named; ``parent``: that one's key; ``open_link``: whether
    the child still has the parent.
    """
    if of_parent:
        return f"determines the state of {rel.element_kind} {parent}"
    return f"{_verb(fact)} {rel.element_kind} {parent}" if open_link else "ends the link"


def _state(catalog: Catalog, rel: Relationship, child: str, why: Explanation) -> str:
    subject = f"{rel.listing_kind} {child}" if why.child_fact is None else _fact(catalog, why.child_fact, child)
    if why.link is None:
        return f"{subject} {_end(catalog, rel, why)}"
    named = f"{subject} {_verb(why.child_fact)} {rel.element_kind} {_named(rel, why.link)}"
    cause = _fact(catalog, why.parent_fact) if why.parent_fact is not None else "an unknown fact"
    if why.link.state == "linked":
        return f"{named}, which exists since {cause}{_ended_life(catalog, rel, why.cascade)}"
    if why.former and rel.parent_lists:
        return f"{named}, and is deleted since: {cause}{_cascade(catalog, rel, why.cascade)}"
    if why.former:
        earlier = f"{subject} was requested for an earlier {rel.parent} {why.link.parent}, which is deleted: {cause}"
        return f"{earlier}{_cascade(catalog, rel, why.cascade)}"
    if why.link.state == "broken":
        return f"{named}, which is deleted: {cause}{_cascade(catalog, rel, why.cascade)}"
    if why.link.state == "conflict":
        return f"{named}, which has {rel.child} {why.holder} already and may have only one"
    missing, hint = _creation(catalog, rel.element_kind), similar_hint(rel.element_kind, why.similar)
    since, due = _date(why.link.since), _date(why.link.due or why.link.since)
    if why.link.state == "overdue":
        return f"{named}, which is not known yet; {missing} is overdue: waited for since {since}, due {due}{hint}"
    return f"{named}, which is not known yet; waiting for {missing} since {since}, due {due}{hint}"


def _named(rel: Relationship, link: LinkView) -> str:
    """The named entity as the other side's owner stated it, and what it is merged into."""
    ends = (link.child, link.stated_child) if rel.parent_lists else (link.parent, link.stated_parent)
    return ends[0] if ends[1] is None else f"{ends[1]}, merged into {ends[0]}"


def _stale(catalog: Catalog, why: Explanation) -> str:
    """The last stale fact that would have decided the link otherwise, as the end of a sentence; empty: none."""
    if not why.stale:
        return ""
    fact = why.stale[0].older
    named, reason = _fact(catalog, fact, fact.key), ""
    sequence, known = fact.sequence, why.stale[0].newer.sequence
    if sequence is not None and known is not None and sequence_order(sequence) < sequence_order(known):
        reason = f" (sequence {sequence} before {known})"
    return f"; {named} arrived later and is older{reason}: it changed nothing about the link"


def _cascade(catalog: Catalog, rel: Relationship, cascade: ChildCascade | None) -> str:
    """What is being done about the child of a deleted parent."""
    if rel.sweep is None:
        return ""
    owner, command = catalog.owner_of(rel.child), rel.sweep.__name__
    if cascade is not None and cascade.child_state == "parked":
        if cascade.park_reason == "request_refused":
            return f"; {owner} refused {command}: {describe_child(cascade)}"
        return f"; {command} is set aside: {describe_child(cascade)}"
    if cascade is not None and cascade.child_state == "failing":
        return f"; {command} at {owner} failed, and will be tried again: {describe_child(cascade)}"
    if cascade is not None and cascade.child_state == "requested" and cascade.changed_at is not None:
        words = f": {cascade.last_error}" if cascade.last_error else ""
        return f"; {command} was sent to {owner} ({_date(cascade.changed_at)}), whose fact has not arrived{words}"
    if cascade is not None and cascade.state == "cancelled":
        return "; the cascade was cancelled before this child was processed"
    return f"; {command} will be sent to {owner}"


def _ended_life(catalog: Catalog, rel: Relationship, cascade: ChildCascade | None) -> str:
    """What is being done, or was not, about a child whose parent was deleted and created again."""
    if cascade is None or rel.sweep is None or cascade.child_state in (None, "confirmed"):
        return ""
    if cascade.child_state != "skipped":
        return _cascade(catalog, rel, cascade)
    if cascade.skip_reason != "parent_recreated":
        return ""
    return f"; {rel.sweep.__name__} was not sent to {catalog.owner_of(rel.child)}: {describe_child(cascade)}"


def _verb(fact: DecidingFact | None) -> str:
    if fact is None:
        return "belongs to"
    if fact.source == OWN_SOURCE:
        return "says that it belongs to"
    return "names"


def _end(catalog: Catalog, rel: Relationship, why: Explanation) -> str:
    last = f"{rel.parent} {why.history[-1].parent}"
    if rel.many:
        return f"does not name this {rel.element_kind} any more"
    if why.child_fact is None:
        return f"no longer belongs to a {rel.parent}; the last was {last}"
    contract = catalog.contracts.by_type.get(why.child_fact.type)
    if contract is not None and contract.effect is Effect.DELETED:
        return f"ends the link to {last}"
    return f"names no {rel.parent}; the last was {last}"


def _creation(catalog: Catalog, kind: str) -> str:
    """The facts that create an entity of a kind, and its owner: ``CategoryAdded from categories``."""
    names = sorted({c.name for c in catalog.contracts.by_type.values() if (c.kind, c.effect) == (kind, Effect.CREATED)})
    return f"{' or '.join(names) or 'any fact'} from {catalog.owner_of(kind)}"


def _fact(catalog: Catalog, fact: DecidingFact | OlderFact, key: str = "") -> str:
    """``ItemAdded i7 (items, 3 Jan 2026 12:00)``."""
    contract = catalog.contracts.by_type.get(fact.type)
    name = contract.name if contract is not None else fact.type.partition(".v")[0]
    owner = contract.owner if contract is not None else "Tether"
    return f"{name} {key}".rstrip() + f" ({owner}, {_date(fact.time)})"


def _date(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y %H:%M}"
