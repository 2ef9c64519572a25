"""People work for a company. Of merged profiles the newest statement counts."""

from tether import OnMerge, Relationship

company_person = Relationship(parent="company", child="person", via="company_id", on_merge=OnMerge.KEEP_NEWEST)
