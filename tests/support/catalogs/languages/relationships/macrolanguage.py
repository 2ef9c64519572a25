"""Languages belong to a macrolanguage; if codes are merged, that of the survivor counts."""

from tether import OnMerge, Relationship

macrolanguage = Relationship(parent="language", child="language", via="macrolanguage", on_merge=OnMerge.KEEP_SURVIVORS)
