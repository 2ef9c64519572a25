"""Channels: places to talk. Knows nothing of groups; a channel may belong to nobody."""

from contracts.vocabulary import Changed, Command, Created, Deleted, Owner

OWNER = Owner("channels")


class ChannelCreated(Created, entity="channel"):
    """A channel was opened."""

    name: str


class ChannelRenamed(Changed, entity="channel"):
    """A channel has another name."""

    name: str


class ChannelDeleted(Deleted, entity="channel"):
    """A channel was closed."""


class CreateChannel(Command, method="POST", path="/channels"):
    """Open a channel."""

    name: str
