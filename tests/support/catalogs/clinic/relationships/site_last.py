"""One-to-one; a merge keeps the newest."""

from tether import ONE_TO_ONE, OnMerge, Relationship

site_last = Relationship(
    parent="site", child="patient", via="site", cardinality=ONE_TO_ONE, on_merge=OnMerge.KEEP_NEWEST
)
