"""Facts that Tether publishes about consumers: they are about its own work, and about no entity of an owner."""

from typing import Any

from facts import own_facts
from facts.envelope import Entry

KIND = "/consumer"
"""Of what these facts are about. No declared kind has a slash."""


def entry(name: str, consumer: str, data: dict[str, Any], *identity: str) -> Entry:
    """A fact about a consumer. ``identity``: with its name and the consumer, what names it."""
    return own_facts.entry(
        name, KIND, consumer, {"consumer": consumer, **data}, id=own_facts.derived_id(name, consumer, *identity)
    )
