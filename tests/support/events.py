"""Builds CloudEvents."""

from typing import Any

Event = dict[str, Any]
"""A CloudEvent in JSON format: attribute → value."""


def event(type: str, subject: str, sequence: int | None = 1, *, correlation: str | None = None, **data: Any) -> Event:
    """Builds a CloudEvent; its id is made of the type, the subject and the sequence.

    ``type`` without its version: ``event("GroupCreated", "g1", name="Rowing")``. ``sequence``: None leaves it out.
    ``correlation``: the id of the request that caused it. ``data``: the fields of the fact.
    """
    built: Event = {
        "specversion": "1.0",
        "id": f"{type}-{subject}-{sequence}",
        "source": "/" + type.removesuffix("Created").lower(),
        "type": f"{type}.v1",
        "subject": subject,
        "data": data,
    }
    if sequence is not None:
        built["sequence"] = str(sequence)
    if correlation is not None:
        built["correlationid"] = correlation
    return built
