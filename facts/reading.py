"""Reads facts of older versions as those of the newest one, by the upcasters that their owner declares.

The ledger keeps data as they were published. What folds them reads them through ``read_as``.
"""

from copy import deepcopy
from typing import Any

import orjson

from catalog.registry import Contracts, Reading
from errors import Unacceptable
from facts.json_numbers import plain


def read_as(contracts: Contracts, type: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data of a fact of this type in the shape of the newest version: the same data, if it has no upcaster.

    Raises Unacceptable if an upcaster cannot read them.
    """
    reading = contracts.readings.get(type)
    return data if reading is None else apply(reading, data)


def shown_as(contracts: Contracts, type: str, data: dict[str, Any]) -> dict[str, Any]:
    """The same for data that no state follows from, as of activity: what an upcaster cannot read, since it was emptied,
    is shown as it is."""
    try:
        return read_as(contracts, type, data)
    except Unacceptable:
        return data


def apply(reading: Reading, data: dict[str, Any]) -> dict[str, Any]:
    """Applies one upcaster after the other to a copy of the data. Raises Unacceptable with the step that failed."""
    found: Any = deepcopy(data)
    for step in reading.steps:
        step_name = f"{step.old.wire_type()} cannot be read as {step.new.wire_type()}: {step.function.__name__}"
        try:
            found = step(found)
        except Exception as error:  # whatever a user's function raises is about this fact
            raise Unacceptable(f"{step_name} raises {type(error).__name__}: {error}", "not_readable") from error
        if type(found) is not dict:
            raise Unacceptable(f"{step_name} gives no object", "not_readable")
    try:
        found = orjson.loads(orjson.dumps(found))  # a date, for one, becomes the text that stands for it
    except orjson.JSONEncodeError as error:
        raise Unacceptable(f"{step_name} gives what is no JSON: {error}", "not_readable") from None
    read: dict[str, Any] = plain(found)
    return read
