"""Which links a reader wants, and how far it is."""

from datetime import datetime
from typing import NamedTuple, TypeAlias

from catalog.relationship import Relationship
from store.read.link_state import LinkState

LinkPosition: TypeAlias = list[str]
"""Where the next page begins: after [child], or after [parent, child]; an empty child: after all of that parent's. Of
many-to-many links after [child, parent], or after [parent, child]."""


class LinkQuery(NamedTuple):
    """Which links: those of one relationship; of one parent, of one child, in one state, unless None."""

    relationship: Relationship
    parent: str | None = None
    child: str | None = None
    state: LinkState | None = None


class ChildOf(NamedTuple):
    """A row of ``children_of``. ``n``: the number of the parent, from 1; ``former``: whether the link is to a former
    incarnation of it."""

    n: int
    child: str
    since: datetime
    former: bool
    stated_child: str | None
    stated_parent: str | None
