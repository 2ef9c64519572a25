"""Folds CloudEvents with the model, and returns parts of the state in a short form."""

from catalog import catalog
from model.facts import ModelFact, read
from model.fold import fold
from model.state import ModelState
from tests.support.events import Event

CATALOG = catalog.load()


def facts(events: list[Event]) -> list[ModelFact]:
    """Returns the facts in these events."""
    return [read(CATALOG, event) for event in events]


def state(*events: Event) -> ModelState:
    """Returns the state that these events fold into."""
    return fold(CATALOG, facts(list(events)))


def links(*events: Event) -> dict[str, str]:
    """Returns child → ``parent state``, of all relationships."""
    return {child: f"{link.parent} {link.state}" for (_, child), link in state(*events).links.items()}


def entity_states(*events: Event) -> dict[str, str]:
    """Returns key → state of the entity."""
    return {key: entity.state for (_, key), entity in state(*events).entities.items()}
