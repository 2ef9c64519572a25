"""What of the quarantine would be accepted by a catalog: for people who have just changed it."""

from typing import NamedTuple

from facts.validation import Validator
from messages.quarantine_reasons import CONTRACT, Cause, describe_cause, describe_trial
from store.db.pool import Connection
from store.db.sql import fetch_rows
from store.quarantine import listings
from store.quarantine.listings import EventFilter
from store.quarantine.trial import Trial, tried, try_event

GROUPS = 50
"""Groups that are tried, at most: the largest ones."""
SAMPLE = 500
"""Events of a group that are tried: the newest ones."""


class _Group(NamedTuple):
    tenant: str
    type: str
    code: str
    field: str
    events: int


class AcceptableGroup(NamedTuple):
    """A group of which some events would be accepted now. ``trial``: of a sample of them."""

    tenant: str
    cause: Cause
    events: int
    trial: Trial


async def acceptable(conn: Connection, validator: Validator) -> list[AcceptableGroup]:
    """Tries the quarantine of all tenants; what another contract cannot mend is left out."""
    found = []
    for group in await fetch_rows(conn, _Group, "quarantine_to_try", codes=list(CONTRACT), size=GROUPS):
        if group.code == "unknown_type" and validator.owner(group.type) is None:
            continue
        wanted = EventFilter(group.type, group.code, group.field)
        events, _ = await listings.page(conn, group.tenant, wanted, None, SAMPLE)
        trial = await tried(conn, group.tenant, [try_event(validator, event) for event in events])
        if trial.accepted:
            found.append(AcceptableGroup(group.tenant, Cause(*group[1:4]), group.events, trial))
    return found


def sentence(group: AcceptableGroup) -> str:
    """What an operator has to know about a group."""
    trial, cause = group.trial, group.cause
    of = describe_trial(
        trial.tried, trial.accepted, trial.duplicates, trial.ignored, [(one.events, one.cause) for one in trial.refused]
    )
    return (
        f"tenant {group.tenant}: {group.events:,} events {cause.type} are in quarantine"
        f" ({describe_cause(cause)}): {of}."
        f" Redrive them: tether quarantine redrive --type {cause.type} --code {cause.code}"
    )
