"""All in one file: what the tests need that the project's own relationships do not have."""

from datetime import timedelta

from tests.support.catalogs.yard.contracts.nodes import CastShadow
from tether import ONE_TO_ONE, Relationship, Requested, Wait

tree = Relationship(parent="node", child="node", via="up")
"""A node hangs from another, or from itself."""
again = Relationship(parent="node", child="node", via="up", on_missing=Wait(deadline=timedelta(days=1)))
"""The same field, read a second time."""
twin = Relationship(parent="node", child="node", via="twin", cardinality=ONE_TO_ONE)
"""One-to-one by a field."""
shadow = Relationship(parent="node", child="shadow", via=Requested(CastShadow), cardinality=ONE_TO_ONE)
"""Requested from the child's owner, for a parent that is a child as well."""
