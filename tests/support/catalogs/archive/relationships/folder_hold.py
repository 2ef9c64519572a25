"""A folder that is held is not deleted."""

from tether import RESTRICT, Relationship

folder_hold = Relationship(parent="folder", child="hold", via="of", on_parent_deleted=RESTRICT)
