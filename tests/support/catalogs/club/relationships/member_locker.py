"""One locker for each member: that of the survivor's own record stays."""

from tether import ONE_TO_ONE, OnMerge, Relationship

member_locker = Relationship(
    parent="member", child="locker", via="member", cardinality=ONE_TO_ONE, on_merge=OnMerge.KEEP_SURVIVORS
)
