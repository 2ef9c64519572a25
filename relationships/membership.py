"""A member of a group is a member of its channel, once there is one, for as long as the membership lasts."""

from datetime import timedelta

from contracts.channels import AddChannelMember, RemoveChannelMember
from tether import ONE_TO_ONE, Cascade, Relationship, Requested, Through, Wait

membership = Relationship(
    parent="group_member",
    child="channel_member",
    via=Requested(AddChannelMember, {"user": "user", "channel": Through("group_membership", "group_channel")}),
    cardinality=ONE_TO_ONE,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=Cascade(RemoveChannelMember),
)
