"""Every group has a channel. Neither side knows of the other."""

from datetime import timedelta

from contracts.channels import CreateChannel
from relationships.definition import KEEP, ONE_TO_ONE, Asked, Relationship, Wait

group_channel = Relationship(
    parent="group",
    child="channel",
    via=Asked(CreateChannel, {"name": "name"}),
    cardinality=ONE_TO_ONE,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=KEEP,
    announce="GroupChannelLinked",
)
