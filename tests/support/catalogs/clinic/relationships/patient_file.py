"""Files are requested for a patient, of whom each has one."""

from tether import ONE_TO_ONE, Relationship, Requested

from ..contracts.clinic import OpenFile

patient_file = Relationship(parent="patient", child="file", via=Requested(OpenFile), cardinality=ONE_TO_ONE)
