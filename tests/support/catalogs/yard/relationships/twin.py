"""One-to-one by a field."""

from tether import ONE_TO_ONE, Relationship

twin = Relationship(parent="node", child="node", via="twin", cardinality=ONE_TO_ONE)
