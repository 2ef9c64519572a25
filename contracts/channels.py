"""Channels: places to talk. Knows nothing of groups; a channel may have no group."""

from tether import Changed, Command, Created, Deleted, Key, Owner

OWNER = Owner("channels")


class ChannelCreated(Created, entity="channel"):
    """A channel was opened."""

    name: str


class ChannelRenamed(Changed, entity="channel"):
    """A channel has another name."""

    name: str


class ChannelDeleted(Deleted, entity="channel"):
    """A channel was closed."""


class ChannelMemberAdded(Created, entity="channel_member"):
    """A user was let into a channel. The key of a membership is ``channel/user``."""

    channel: str
    user: str


class ChannelMemberRemoved(Deleted, entity="channel_member"):
    """A user is in a channel no longer."""


class CreateChannel(Command, method="POST", path="/channels"):
    """Open a channel."""

    name: str


class DeleteChannel(Command, method="DELETE", path="/channels/{channel_id}", deletes="channel"):
    """Close a channel."""

    channel_id: Key


class AddChannelMember(Command, method="POST", path="/channels/{channel}/members"):
    """Let a user into a channel."""

    channel: str
    user: str


class RemoveChannelMember(
    Command, method="DELETE", path="/channels/{channel}/members/{user}", deletes="channel_member"
):
    """Take a user out of a channel."""

    channel: str
    user: str
