"""The field of ``site_patient``: a merge keeps the newest."""

from tether import OnMerge, Relationship

site_visitor = Relationship(parent="site", child="patient", via="site", on_merge=OnMerge.KEEP_NEWEST)
