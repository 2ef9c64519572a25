"""Builds CloudEvents."""

from functools import cache
from typing import Any

from catalog import catalog
from catalog.registry import OWN_SOURCE
from catalog.vocabulary import Effect
from facts.correlation import encode
from facts.order_key import at_position, order_key

Event = dict[str, Any]
"""A CloudEvent in JSON format: attribute → value."""


@cache
def _sources() -> dict[str, str]:
    """Wire type → source of its owner, of all declared facts."""
    return {contract.wire_type: f"/{contract.owner}" for contract in catalog.load().contracts.by_type.values()}


def event(
    fact: str,
    key: str,
    sequence: str | int | None = 1,
    /,
    *,
    requested_by: str | None = None,
    created: Any = None,
    correlation: str | None = None,
    time: str | None = None,
    source: str | None = None,
    id: str | None = None,
    **data: Any,
) -> Event:
    """Builds a CloudEvent: ``event("ItemAdded", "i", 1, category="c")``.

    ``fact``: the type without its version. ``sequence``, ``time``: None leaves them out. ``source``: by default that of
    the fact's owner, or ``/unknown`` if the fact is not declared. ``id``: made of the fact, the key and the sequence by
    default. ``requested_by``: the group for which a channel was requested; ``created``: the fact that had created it.
    ``correlation``: any correlation id. ``data``: the fields of the fact.
    """
    if requested_by is not None:
        correlation = encode("group_channel", requested_by, None if created is None else _order(created))
    built: Event = {
        "specversion": "1.0",
        "id": id or f"{fact}/{key}/{sequence}",
        "source": source or _sources().get(f"{fact}.v1", "/unknown"),
        "type": f"{fact}.v1",
        "subject": key,
        "data": data,
    }
    optional = {"sequence": None if sequence is None else str(sequence), "time": time, "correlationid": correlation}
    return built | {name: value for name, value in optional.items() if value is not None}


def _order(created: Event) -> bytes:
    return at_position(order_key(created["sequence"], None, Effect.CREATED), 1)


def link_event(relationship: str, child: str, parent: str, sequence: int) -> Event:
    """Builds the fact of an explicit link, as Tether records it."""
    return event("Linked", child, sequence, source=OWN_SOURCE, relationship=relationship, parent=parent)


def unlink_event(relationship: str, child: str, sequence: int) -> Event:
    """Builds the fact of an explicit unlink, as Tether records it."""
    return event("Unlinked", child, sequence, source=OWN_SOURCE, relationship=relationship)
