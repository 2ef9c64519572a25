"""Issues are reported by people."""

from tether import Relationship

correspondent_issue = Relationship(parent="correspondent", child="issue", via="reporter")
