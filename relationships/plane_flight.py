"""A flight is flown by a plane; which one may be unknown for long, or for ever."""

from datetime import timedelta

from tether import KEEP, ONE_TO_MANY, Relationship, Wait

plane_flight = Relationship(
    parent="plane",
    child="flight",
    via="tailnum",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(days=7)),
    on_parent_deleted=KEEP,
)
