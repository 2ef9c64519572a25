"""Events: festivals, cups, meetings. Knows nothing of who takes part."""

from tether import Changed, Command, Created, Deleted, Key, Owner

OWNER = Owner("events")


class EventCreated(Created, entity="event"):
    """An event was announced."""

    name: str


class EventRenamed(Changed, entity="event"):
    """An event has another name."""

    name: str


class EventDeleted(Deleted, entity="event"):
    """An event was called off."""


class DeleteEvent(Command, method="DELETE", path="/events/{event_id}", deletes="event"):
    """Call an event off."""

    event_id: Key
