"""The archive: folders in folders, which may be shared; a share may have folders of its own. Some folders are held."""

from tether import Changed, Command, Created, Deleted, ExpectedParent, Key, Owner

OWNER = Owner("archive")


class FolderCreated(Created, entity="folder"):
    """A folder was created, in another one, for a share, or at the top."""

    parent: str | None = None
    share: str | None = None


class FolderMoved(Changed, entity="folder"):
    """A folder was moved to another one, or to the top."""

    parent: str | None


class FolderDeleted(Deleted, entity="folder"):
    """A folder was deleted; what was in it is not this service's concern."""


class MoveFolder(Command, method="POST", path="/folder/{folder}/moves"):
    """Move a folder into another one, if it still is where it was."""

    folder: Key
    parent: str
    still_in: ExpectedParent


class DeleteFolder(Command, method="DELETE", path="/folder/{folder}", deletes="folder"):
    """Delete a folder, if it still is in that other one."""

    folder: Key
    still_in: ExpectedParent = None


class DeleteSharedFolder(Command, method="DELETE", path="/folder/{folder}"):
    """Delete a folder, if it still belongs to that share."""

    folder: Key
    still_shared: ExpectedParent = None


class ShareCreated(Created, entity="share"):
    """A folder was shared."""

    of: str


class ShareDeleted(Deleted, entity="share"):
    """A folder is not shared any more."""


class DeleteShare(Command, method="DELETE", path="/share/{share}"):
    """Delete a share, if it still is of that folder."""

    share: Key
    still_of: ExpectedParent = None


class HoldPlaced(Created, entity="hold"):
    """A folder must be kept."""

    of: str


class HoldLifted(Deleted, entity="hold"):
    """A folder need not be kept any more."""


class StampCreated(Created, entity="stamp"):
    """A stamp was made, which may refer to another stamp, or to itself."""

    of: str


class StampDeleted(Deleted, entity="stamp"):
    """A stamp was deleted."""


class DeleteStamp(Command, method="DELETE", path="/stamp/{stamp}", deletes="stamp"):
    """Delete a stamp."""

    stamp: Key
