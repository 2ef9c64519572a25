"""Receipts: the other side of the pairs that are measured."""

from tether import Created, Owner

OWNER = Owner("receipts")


class ReceiptSigned(Created, entity="receipt"):
    """Someone signed for a parcel."""

    parcel: str
    """Key of the parcel."""
    name: str
