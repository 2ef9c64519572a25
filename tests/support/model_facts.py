"""Facts and states in few words, for the tests of the model."""

from typing import Any

from catalog import catalog
from catalog.registry import OWN_SOURCE
from facts.correlation import encode
from model.facts import ModelFact, read
from model.fold import fold
from model.state import ModelState
from tests.support.events import Event

CATALOG = catalog.load()

_SOURCES = {contract.wire_type: f"/{contract.owner}" for contract in CATALOG.contracts.by_type.values()}


def say(
    fact: str,
    key: str,
    sequence: str | int | None = None,
    /,
    *,
    asked_by: str | None = None,
    at: str | None = None,
    source: str | None = None,
    id: str | None = None,
    **data: Any,
) -> Event:
    """``say("ItemAdded", "i", 1, category="c")``; ``asked_by`` is the group that a channel was asked for."""
    event: Event = {
        "specversion": "1.0",
        "id": id or f"{fact}/{key}/{sequence}",
        "source": source or _SOURCES[f"{fact}.v1"],
        "type": f"{fact}.v1",
        "subject": key,
        "data": data,
    }
    if sequence is not None:
        event["sequence"] = str(sequence)
    if at is not None:
        event["time"] = at
    if asked_by is not None:
        event["correlationid"] = encode("group_channel", asked_by)
    return event


def link(relationship: str, child: str, parent: str, sequence: int) -> Event:
    """An explicit link, as Tether records it."""
    return say("Linked", child, sequence, source=OWN_SOURCE, relationship=relationship, parent=parent)


def unlink(relationship: str, child: str, sequence: int) -> Event:
    """An explicit unlink, as Tether records it."""
    return say("Unlinked", child, sequence, source=OWN_SOURCE, relationship=relationship)


def facts(events: list[Event]) -> list[ModelFact]:
    return [read(CATALOG, event) for event in events]


def state(*events: Event) -> ModelState:
    """What these come to."""
    return fold(CATALOG, facts(list(events)))


def links(*events: Event) -> dict[str, str]:
    """child → ``parent state``, of all relationships."""
    return {child: f"{it.parent} {it.state}" for (_, child), it in state(*events).links.items()}


def lives(*events: Event) -> dict[str, str]:
    """key → state of the entity."""
    return {key: it.state for (_, key), it in state(*events).entities.items()}
