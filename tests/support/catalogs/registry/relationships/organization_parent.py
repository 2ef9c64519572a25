"""Organisations belong to another one. What the registry says of a merged one does not count for its successor."""

from tether import OnMerge, Relationship

organization_parent = Relationship(
    parent="organization", child="organization", via="parent", on_merge=OnMerge.KEEP_SURVIVORS
)
