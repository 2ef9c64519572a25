"""What goes in and out of the workflow that trims the rows of a tenant."""

from urllib.parse import quote

from messages.base import Message


class RetentionRun(Message):
    """Input of the workflow and its activity: one run for a tenant."""

    tenant: str


class RetentionResult(Message):
    """How many rows were trimmed; ``more``: the activity has stopped, and there is more to trim."""

    rows: int = 0
    more: bool = False


def retention_id(tenant: str) -> str:
    """The workflow id of a tenant's retention: one runs at a time."""
    return f"{quote(tenant, safe='')}/retention"
