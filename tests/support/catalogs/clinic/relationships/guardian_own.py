"""One-to-one; a merge keeps the survivor's, or none."""

from tether import ONE_TO_ONE, OnMerge, Relationship

guardian_own = Relationship(
    parent="patient", child="patient", via="guardian", cardinality=ONE_TO_ONE, on_merge=OnMerge.KEEP_SURVIVORS
)
