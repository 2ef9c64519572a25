"""Shares are deleted with their folder."""

from tether import Cascade, Relationship

from ..contracts.archive import DeleteShare

folder_share = Relationship(parent="folder", child="share", via="of", on_parent_deleted=Cascade(DeleteShare))
