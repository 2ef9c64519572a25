"""Sponsors are detached from a deleted event."""

from tether import Detach, Relationship

from ..contracts.league import FreeSponsor

event_sponsor = Relationship(parent="event", child="sponsor", via="of", on_parent_deleted=Detach(FreeSponsor))
