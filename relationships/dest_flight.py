"""A flight goes to an airport."""

from datetime import timedelta

from tether import KEEP, ONE_TO_MANY, Relationship, Wait

dest_flight = Relationship(
    parent="airport",
    child="flight",
    via="dest",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(days=7)),
    on_parent_deleted=KEEP,
)
