"""A patient is another one's guardian, until both are found to be the same."""

from tether import Relationship

guardian_patient = Relationship(parent="patient", child="patient", via="guardian")
