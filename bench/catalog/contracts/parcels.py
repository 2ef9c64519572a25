"""Parcels: one side of the pairs that are measured."""

from catalog.vocabulary import Created, Owner

OWNER = Owner("parcels")


class ParcelSent(Created, entity="parcel"):
    """A parcel is on its way."""

    weight: int
    """Grams."""
