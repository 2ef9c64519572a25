"""Facts about members of clubs, and the declarations with every rule for links of merged members."""

from pathlib import Path
from typing import Any

from catalog import catalog as catalogs
from tests.support.events import Event, event

CLUB = catalogs.load([Path(__file__).parent / "catalogs" / "club"])


def fact(type: str, key: str, sequence: int = 1, **data: Any) -> Event:
    """A fact of the owner of clubs."""
    return event(type, key, sequence, source="/clubs", **data)


def merged_members(survivor: str, *losers: str, sequence: int = 10) -> Event:
    """The fact that records are of one member."""
    data: dict[str, Any] = {"survivor": survivor, "losers": list(losers)}
    return event("MembersMerged", survivor, sequence, source="/clubs", id=f"m/{survivor}/{losers}/{sequence}", **data)
