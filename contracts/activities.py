"""Activities: what people did, kept for them in the order in which it happened."""

from tether import Activity, Owner

OWNER = Owner("activities")


class ActivityRecorded(Activity, entity="activity", of="person"):
    """A person has done something."""

    person_id: str
    """Key of the person, as the activities know it."""
    what: str
