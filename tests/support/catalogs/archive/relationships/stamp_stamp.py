"""A stamp that others refer to is not deleted."""

from tether import RESTRICT, Relationship

stamp_stamp = Relationship(parent="stamp", child="stamp", via="of", on_parent_deleted=RESTRICT)
