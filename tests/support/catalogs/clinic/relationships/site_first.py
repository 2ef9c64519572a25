"""One-to-one; a merge keeps the survivor's, or none."""

from tether import ONE_TO_ONE, OnMerge, Relationship

site_first = Relationship(
    parent="site", child="patient", via="site", cardinality=ONE_TO_ONE, on_merge=OnMerge.KEEP_SURVIVORS
)
