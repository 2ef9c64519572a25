"""Groups: people who belong together. Knows nothing of channels."""

from tether import Changed, Command, Created, Deleted, Key, Owner

OWNER = Owner("groups")


class GroupCreated(Created, entity="group"):
    """A group was founded."""

    name: str


class GroupRenamed(Changed, entity="group"):
    """A group has another name."""

    name: str


class GroupDeleted(Deleted, entity="group"):
    """A group was dissolved."""


class GroupMemberAdded(Created, entity="group_member"):
    """A user joined a group. The key of a membership is ``group/user``."""

    group: str
    user: str


class GroupMemberRemoved(Deleted, entity="group_member"):
    """A user left a group."""


class DeleteGroup(Command, method="DELETE", path="/groups/{group_id}", deletes="group"):
    """Dissolve a group."""

    group_id: Key


class RemoveGroupMember(Command, method="DELETE", path="/groups/{group}/members/{user}", deletes="group_member"):
    """Take a user out of a group."""

    group: str
    user: str
