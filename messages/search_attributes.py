"""Search attributes of all workflows: by them Temporal's Web UI lists and filters."""

from temporalio.common import SearchAttributeKey

RELATIONSHIP = SearchAttributeKey.for_keyword("TetherRelationship")
ENTITY = SearchAttributeKey.for_keyword("TetherEntity")
OWNER = SearchAttributeKey.for_keyword("TetherOwner")
STATE = SearchAttributeKey.for_keyword("TetherState")
