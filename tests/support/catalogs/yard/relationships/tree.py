"""A node hangs from another, or from itself."""

from tether import Relationship

tree = Relationship(parent="node", child="node", via="up")
