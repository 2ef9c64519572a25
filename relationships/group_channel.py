"""Every group has a channel, which goes when the group does. Neither side knows of the other."""

from datetime import timedelta

from contracts.channels import CreateChannel, DeleteChannel
from tether import ONE_TO_ONE, Cascade, Relationship, Requested, Wait

group_channel = Relationship(
    parent="group",
    child="channel",
    via=Requested(CreateChannel, {"name": "name"}),
    cardinality=ONE_TO_ONE,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=Cascade(DeleteChannel),
    announce="GroupChannelLinked",
)
