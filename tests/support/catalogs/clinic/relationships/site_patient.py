"""Patients are at a site; a merge of patients keeps the survivor's, if it names one."""

from tether import Relationship

site_patient = Relationship(parent="site", child="patient", via="site")
