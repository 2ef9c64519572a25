"""The field of ``guardian_patient``: a merge keeps the newest."""

from tether import OnMerge, Relationship

guardian_newest = Relationship(parent="patient", child="patient", via="guardian", on_merge=OnMerge.KEEP_NEWEST)
