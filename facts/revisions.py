"""The number of a revision: the epoch it was written in, and its place among the revisions of that epoch.

A database restored from a backup may have lost revisions. What is written next must not get their numbers, since a
token names a revision by its number alone. So each restore begins an epoch, and the numbers go on from that epoch's
first one. Epochs are minutes since 2026 began: two restores of one backup begin two different epochs.
"""

NUMBER_BITS = 38
"""Of the number within the epoch: enough for a thousand revisions a second through eight years."""


def epoch_of(revision: int) -> int:
    """Returns the epoch that a revision was written in; 0 before the first restore."""
    return revision >> NUMBER_BITS


def first_of(epoch: int) -> int:
    """Returns the first revision of an epoch. It holds no facts."""
    return epoch << NUMBER_BITS
