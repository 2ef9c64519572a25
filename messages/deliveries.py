"""What goes in and out of the workflow that delivers the feed to a webhook, and its activity."""

from datetime import datetime

from pydantic import Field

from messages.base import Message
from messages.workflow_ids import Subject

DELIVERY = "delivery"
"""The kind of the workflow: in ``Subject.workflow`` and in the table ``outbox``."""
ABOUT = "webhook"


class DeliveryStep(Message):
    """Input of the activity ``deliver``."""

    subject: Subject


class DeliveryStatus(Message):
    """What the deliveries to a consumer wait for. ``next``: null if there is nothing to deliver or to retry."""

    next: datetime | None = Field(default=None, description="When there is something to deliver or to retry.")
    now: datetime | None = Field(default=None, description="The database's clock.")
    description: str = ""
    delivered: int = Field(default=0, description="Items that the receiver has accepted in this step.")
    newer: bool = False


class DeliveryResult(Message):
    """The workflow's result, for people."""

    description: str
