"""Receipts: the children of the pairs that are measured."""

from tether import Created, Owner

OWNER = Owner("receipts")


class ReceiptSigned(Created, entity="receipt"):
    """A receipt for a parcel was signed."""

    parcel: str
    """Key of the parcel."""
    name: str
