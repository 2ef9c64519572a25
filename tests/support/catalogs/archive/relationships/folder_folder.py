"""Folders are in folders, and are deleted with them: a tree, unless facts make it a circle."""

from tether import Cascade, Relationship

from ..contracts.archive import DeleteFolder, MoveFolder

folder_folder = Relationship(
    parent="folder", child="folder", via="parent", on_parent_deleted=Cascade(DeleteFolder), move=MoveFolder
)
