"""Folders that were created for a share are deleted with it: a cycle of two kinds."""

from tether import Cascade, Relationship

from ..contracts.archive import DeleteSharedFolder

share_folder = Relationship(parent="share", child="folder", via="share", on_parent_deleted=Cascade(DeleteSharedFolder))
