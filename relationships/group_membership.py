"""Memberships of a group: a user may be in many groups, a group may have many users. They end with their group."""

from datetime import timedelta

from contracts.groups import RemoveGroupMember
from tether import ONE_TO_MANY, Cascade, Relationship, Wait

group_membership = Relationship(
    parent="group",
    child="group_member",
    via="group",
    cardinality=ONE_TO_MANY,
    on_missing=Wait(deadline=timedelta(hours=24)),
    on_parent_deleted=Cascade(RemoveGroupMember),
)
