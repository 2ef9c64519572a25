"""Memberships of a channel: they end with it."""

from datetime import timedelta

from contracts.channels import RemoveChannelMember
from tether import ONE_TO_MANY, Cascade, Relationship, Wait

channel_membership = Relationship(
    parent="channel",
    child="channel_member",
    via="channel",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=Cascade(RemoveChannelMember),
)
