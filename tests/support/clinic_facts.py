"""Facts of the clinic, where everything may turn out to be the same, and what the model makes of them."""

from typing import Any

from catalog.registry import OWN_SOURCE
from model.lines import alias_lines
from model.state import ModelState
from tests.support.events import Event, event
from tests.support.tenants import CLINIC, fold_events


def admitted(key: str, sequence: int = 1, **data: Any) -> Event:
    return event("PatientAdmitted", key, sequence, **data)


def discharged(key: str, sequence: int = 5) -> Event:
    return event("PatientDischarged", key, sequence)


def opened(*keys: str) -> list[Event]:
    return [event("SiteOpened", key, 1) for key in keys]


def merged(survivor: str, *losers: str, at: int = 1) -> Event:
    return event("PatientMerged", survivor, at, id=f"m{survivor}{losers}{at}", survivor=survivor, losers=list(losers))


def unmerged(survivor: str, *losers: str, at: int = 9) -> Event:
    return event("PatientUnmerged", survivor, at, id=f"u{survivor}{losers}{at}", survivor=survivor, losers=list(losers))


def apart(one: str, other: str, at: int = 1) -> Event:
    return event("PatientsKeptApart", one, at, one=one, other=other)


def may_be_merged(one: str, other: str, at: int = 9) -> Event:
    return event("PatientsMayBeMerged", one, at, one=one, other=other)


def own(fact: str, key: str, at: int | None, **data: Any) -> Event:
    return event(fact, key, at, source=OWN_SOURCE, kind="patient", id=f"own{fact}{key}{at}{data}", **data)


def site_merged(loser: str, into: str, at: int = 1) -> Event:
    return event("SiteMerged", loser, at, id=f"s{loser}{into}", into=into)


def void(fact: Event) -> Event:
    voided = {name: fact[name] for name in ("source", "id", "type")}
    return event("FactVoided", fact["subject"], None, source=OWN_SOURCE) | {"data": voided}


def state(*events: Event) -> ModelState:
    """Returns the state, which is the same for other orders of arrival, as long as sequences differ."""
    assert alias_lines(fold_events(CLINIC, events)) == alias_lines(fold_events(CLINIC, events[::-1]))
    return fold_events(CLINIC, events)


def aliases(*events: Event) -> str:
    """Returns ``loser>survivor`` for each loser."""
    return " ".join(f"{loser}>{survivor}" for (_, loser), survivor in sorted(state(*events).aliases.items()))


def link(relationship: str, child: str, *events: Event) -> str:
    """Returns ``parent state`` of a link; empty if there is none."""
    found = state(*events).links.get((relationship, child))
    return f"{found.parent} {found.state}" if found else ""
