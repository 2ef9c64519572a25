"""A registry of organisations, which are merged into a successor by a fact about the one that ends."""

from tether import Changed, Created, Deleted, Merged, Owner

OWNER = Owner("registry")


class OrganizationAdded(Created, entity="organization"):
    """An organisation was added."""

    name: str
    country: str
    parent: str | None


class OrganizationChanged(Changed, entity="organization"):
    """An organisation has another name, country or parent."""

    name: str
    country: str
    parent: str | None


class OrganizationMerged(Merged, entity="organization", survivor="into"):
    """An organisation was merged into another one."""

    into: str
    status: str


class OrganizationDeleted(Deleted, entity="organization"):
    """An organisation ended."""

    status: str
