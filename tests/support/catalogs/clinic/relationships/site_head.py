"""The field of ``site_patient``: a site has one patient of this kind."""

from tether import ONE_TO_ONE, Relationship

site_head = Relationship(parent="site", child="patient", via="site", cardinality=ONE_TO_ONE)
