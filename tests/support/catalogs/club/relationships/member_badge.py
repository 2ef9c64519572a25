"""One badge for each member: merged records with a badge each are refused."""

from tether import ONE_TO_ONE, Relationship

member_badge = Relationship(parent="member", child="badge", via="member", cardinality=ONE_TO_ONE)
