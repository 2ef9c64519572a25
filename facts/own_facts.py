"""Facts that Tether itself records, as entries of the ledger with the source ``/tether``.

``Linked`` and ``Unlinked`` set a child's reference, ``FactVoided`` takes back another fact; the others only notify. Ids
are derived from the content, so that a fact recorded again after a crash is a duplicate.
"""

from hashlib import blake2b
from typing import Any

import orjson

from catalog.registry import OWN_SOURCE
from facts.envelope import ElementChange, Entry, Reference
from facts.order_key import order_key

VOIDED = "FactVoided"
"""An operator has voided the fact ``data.id`` of the source ``data.source``: it has no part in the state any more."""

ERASED = "EntityErased"
"""The data of its entity was erased from all facts before it: what they refer by is all that they still hold."""


def entry(
    name: str,
    kind: str,
    key: str,
    data: dict[str, Any],
    *,
    id: str,
    sequence: str | None = None,
    time: int | None = None,
    correlation: str | None = None,
    causation: str | None = None,
    names: tuple[Reference, ...] = (),
    elements: tuple[ElementChange, ...] = (),
) -> Entry:
    """A fact of Tether's own about the entity (kind, key).

    ``names``: references that it sets; ``elements``: what it changes in lists; ``time`` in nanoseconds since 1970.
    """
    body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    return Entry(
        source=OWN_SOURCE,
        id=id,
        type=f"{name}.v1",
        name=name,
        kind=kind,
        key=key,
        effect=None,
        sequence=sequence,
        time=time,
        data=data,
        body=body.decode(),
        correlation=correlation,
        causation=causation,
        traceparent=None,
        extensions=None,
        order=order_key(sequence, time, None),
        digest=blake2b(id.encode(), digest_size=16).digest(),  # the id is derived from the content
        names=names,
        elements=elements,
    )


def void_id(source: str, id: str) -> str:
    """The id of the fact that voids the fact with this source and id."""
    return derived_id("void", source, id)


def derived_id(*parts: str | int | None) -> str:
    """An id that is the same for the same parts: 32 hexadecimal digits."""
    return blake2b(orjson.dumps(parts), digest_size=16).hexdigest()
