"""Members of a club: merged records of two clubs are refused."""

from tether import Relationship

club_member = Relationship(parent="club", child="member", via="club")
