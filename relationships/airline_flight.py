"""A flight is operated by an airline."""

from datetime import timedelta

from tether import KEEP, ONE_TO_MANY, Relationship, Wait

airline_flight = Relationship(
    parent="airline",
    child="flight",
    via="carrier",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(days=7)),
    on_parent_deleted=KEEP,
)
