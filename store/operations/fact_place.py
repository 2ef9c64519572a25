"""Where an owner places a fact among those of its entity."""

from datetime import datetime
from typing import NamedTuple


class FactPlace(NamedTuple):
    """A row of ``place_of_fact``. ``finer``: the nanoseconds of its time after the last whole microsecond."""

    sequence: str | None
    time: datetime | None
    finer: int
