"""An event with stands is not deleted."""

from tether import RESTRICT, Relationship

event_stand = Relationship(parent="event", child="stand", via="of", on_parent_deleted=RESTRICT)
