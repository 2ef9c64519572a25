"""Search attributes of all workflows: by them Temporal's Web UI lists and filters."""

from temporalio.common import SearchAttributeKey

RELATIONSHIP = SearchAttributeKey.for_keyword("TetherRelationship")
ENTITY = SearchAttributeKey.for_keyword("TetherEntity")
OWNER = SearchAttributeKey.for_keyword("TetherOwner")
STATE = SearchAttributeKey.for_keyword("TetherState")

STATE_REQUESTED = "asked"  # former name
"""Value of ``TetherState`` while an operation is requested. It must not change: a running workflow that shows it would
set the new value, which is a command that its history does not have."""
