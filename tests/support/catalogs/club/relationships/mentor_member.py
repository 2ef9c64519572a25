"""Members advise members."""

from tether import OnMerge, Relationship

mentor_member = Relationship(parent="member", child="member", via="mentor", on_merge=OnMerge.KEEP_SURVIVORS)
