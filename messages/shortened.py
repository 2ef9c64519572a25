"""Texts for Temporal, cut to what its server takes: it counts bytes of JSON, in which one character may have twelve."""

import json

SUMMARY = 400
"""Bytes of JSON that the server takes as the summary of a workflow, an activity or a timer (its default limit)."""
ATTRIBUTE = 2_048
"""Bytes of JSON that it takes as the value of a search attribute (its default limit)."""


def summary(text: str) -> str:
    """The beginning of a text, as a summary."""
    return _cut(text[:200], SUMMARY)


def attribute(text: str) -> str:
    """The beginning of a text, as the value of a search attribute."""
    return _cut(text, ATTRIBUTE)


def entity(key: str) -> str:
    """The beginning of an entity's key, as the value of a search attribute: some of Temporal's databases take 255
    characters."""
    return attribute(key[:200])


def json_size(text: str) -> int:
    """Bytes of a text as JSON, as Temporal's SDK writes it: in ASCII."""
    return len(json.dumps(text))


def _cut(text: str, most: int) -> str:
    if json_size(text) <= most:
        return text
    left, kept = most - 2, 0
    for character in text:
        left -= json_size(character) - 2
        if left < 0:
            break
        kept += 1
    return text[:kept]
