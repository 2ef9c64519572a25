"""What goes in and out of the workflow that redrives or discards quarantined events."""

from urllib.parse import quote

from messages.base import Message


class QuarantineStep(Message):
    """Input of the workflow and of its activity: one redrive or discard."""

    tenant: str
    id: str


class QuarantineProgress(Message):
    """How many events were processed; ``more``: there are more."""

    events: int = 0
    more: bool = False


def quarantine_run_id(tenant: str, id: str) -> str:
    """The workflow id of a redrive or discard."""
    return f"{quote(tenant, safe='')}/quarantine/{quote(id, safe='')}"
