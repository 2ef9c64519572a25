"""The ids of merges, by which the API names them."""

from collections.abc import Mapping
from typing import Any

from catalog.registry import OWN_SOURCE
from facts.own_facts import derived_id


def merge_id(source: str, id: str, data: Mapping[str, Any]) -> str:
    """The id of the merge that a fact says: that of its operation, or one derived from the fact's source and id.

    ``source``, ``id``, ``data``: of a fact that merges. Several facts of one operation are one merge.
    """
    named = data.get("merge") if source == OWN_SOURCE else None
    return named if isinstance(named, str) and named else derived_id("merge", source, id)
