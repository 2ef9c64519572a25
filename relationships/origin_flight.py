"""A flight leaves from an airport."""

from datetime import timedelta

from tether import KEEP, ONE_TO_MANY, Relationship, Wait

origin_flight = Relationship(
    parent="airport",
    child="flight",
    via="origin",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(days=7)),
    on_parent_deleted=KEEP,
)
