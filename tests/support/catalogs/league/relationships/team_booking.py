"""A team with bookings is not deleted."""

from tether import RESTRICT, Relationship

team_booking = Relationship(parent="team", child="booking", via="of", on_parent_deleted=RESTRICT)
