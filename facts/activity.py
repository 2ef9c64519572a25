"""What facts of activity say: whose activity it is, and when it happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from catalog import limits
from catalog.key_forms import KeyForm
from catalog.registry import Contract, Contracts
from catalog.relationship import as_key
from errors import Unacceptable
from facts.envelope import nanoseconds_of
from facts.keys import normal


def check(contract: Contract, data: Mapping[str, Any], form: KeyForm | None = None) -> None:
    """Raises Unacceptable if a fact of activity does not hold the key of the entity that it is about.

    ``data``: as its contract wants it; ``form``: the normal form of the keys of that entity's kind.
    """
    assert contract.about is not None
    kind, field = contract.about
    value = data[field]
    if not isinstance(value, int) and (not isinstance(value, str) or not value):
        reason = f"{field} must be the key of a {kind}: a text of 1 to {limits.KEY} bytes, or an integer"
        raise Unacceptable(reason, "reference_invalid", field)
    if form is not None:
        value = normal(form, kind, str(value))
    if isinstance(value, str):
        limits.check(field, value, limits.KEY)


def key_of(contracts: Contracts, contract: Contract, data: Mapping[str, Any]) -> str:
    """The key of the entity that a valid fact of activity is about."""
    assert contract.about is not None
    return contracts.key(contract.about.kind, as_key(data[contract.about.field]) or "")


def happened(time: int | None, received: datetime) -> int:
    """When it happened, in nanoseconds since 1970: its own time; without one, when it was received."""
    found = nanoseconds_of(received, 0) if time is None else time
    assert found is not None
    return found
