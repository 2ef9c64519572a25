"""A command on its way to an owner, with the ids that make it safe to repeat and possible to trace."""

from dataclasses import dataclass

from catalog.vocabulary import Command


@dataclass(frozen=True, slots=True)
class OwnerRequest:
    """One request to one owner, from the activity that needs it to the wire."""

    tenant: str
    owner: str
    command: Command
    idempotency_key: str
    """Repeating the request under this key has no second effect."""
    correlation: str
    """The owner copies it unread into the fact that follows; it says which instance or operation the fact confirms."""
    causation: str | None = None
    """What led to the request: an entity or an operation."""
    varies: bool = True
    """Whether the command may differ at the next attempt, since it is filled from entities that change."""
