"""The field of ``site_patient``: a merge keeps the survivor's, or none."""

from tether import OnMerge, Relationship

site_guest = Relationship(parent="site", child="patient", via="site", on_merge=OnMerge.KEEP_SURVIVORS)
