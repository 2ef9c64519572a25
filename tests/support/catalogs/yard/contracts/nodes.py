"""Nodes and their shadows: one kind that is parent and child of itself, and a chain on top of it."""

from typing import Any

from tether import Changed, Command, Created, Deleted, Owner

OWNER = Owner("yard")


class NodeAdded(Created, entity="node"):
    """A node was added."""

    up: Any = None
    twin: str | None = None


class NodeChanged(Changed, entity="node"):
    """A node was changed."""

    up: Any = None
    twin: str | None = None


class NodeRemoved(Deleted, entity="node"):
    """A node was removed."""


class ShadowCast(Created, entity="shadow"):
    """A shadow was cast."""


class ShadowMoved(Changed, entity="shadow"):
    """A shadow is elsewhere."""


class ShadowFaded(Deleted, entity="shadow"):
    """A shadow is gone."""


class CastShadow(Command, method="POST", path="/shadows"):
    """Cast a shadow."""
