"""A parcel has one receipt. No command requests it, so that a pair needs no workflow."""

from datetime import timedelta

from tether import ONE_TO_ONE, Relationship, Wait

parcel_receipt = Relationship(
    parent="parcel",
    child="receipt",
    via="parcel",
    cardinality=ONE_TO_ONE,
    on_missing=Wait(deadline=timedelta(hours=24)),
)
