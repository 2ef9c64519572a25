"""Facts of people who are merged, and of what they did."""

from typing import Any

from tests.support.events import Event, event


def merged(survivor: str, *losers: str, sequence: int = 10) -> Event:
    """The fact that profiles are of one person."""
    return _pairs("PersonMerged", survivor, losers, sequence)


def unmerged(survivor: str, *losers: str, sequence: int = 20) -> Event:
    """The fact that profiles are not of one person."""
    return _pairs("PersonUnmerged", survivor, losers, sequence)


def _pairs(fact: str, survivor: str, losers: tuple[str, ...], sequence: int) -> Event:
    data: dict[str, Any] = {"survivor": survivor, "losers": list(losers)}
    return event(fact, survivor, sequence, id=f"{fact}/{survivor}/{losers}/{sequence}", **data)


def activity(id: str, person: str | int, time: str | None = None, what: str = "visited", **attributes: Any) -> Event:
    """The fact that a person has done something. ``id``: the fact's; it has no subject."""
    built = event("ActivityRecorded", "", None, id=id, time=time, person_id=person, what=what, **attributes)
    del built["subject"]
    return built
