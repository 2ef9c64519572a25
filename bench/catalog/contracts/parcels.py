"""Parcels: the parents of the pairs that are measured."""

from tether import Created, Owner

OWNER = Owner("parcels")


class ParcelSent(Created, entity="parcel"):
    """A parcel is on its way."""

    weight: int
    """Grams."""
