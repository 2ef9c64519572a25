"""A parcel is signed for once; no command is sent, so a pair costs no workflow."""

from datetime import timedelta

from tether import ONE_TO_ONE, Relationship, Wait

parcel_receipt = Relationship(
    parent="parcel",
    child="receipt",
    via="parcel",
    cardinality=ONE_TO_ONE,
    on_missing=Wait(deadline=timedelta(hours=24)),
)
