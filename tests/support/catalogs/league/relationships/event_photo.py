"""Photos are kept when their event is deleted."""

from tether import KEEP, Relationship

event_photo = Relationship(parent="event", child="photo", via="of", on_parent_deleted=KEEP)
