"""Requested from the child's owner, for a parent that is a child as well."""

from tether import ONE_TO_ONE, Relationship, Requested

from ..contracts.nodes import CastShadow

shadow = Relationship(parent="node", child="shadow", via=Requested(CastShadow), cardinality=ONE_TO_ONE)
