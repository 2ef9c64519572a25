"""What the arrival of new facts says about them: too far in the future, older than what is known, or odd.

A fact that is older than what is known is recorded and folded like any other, and may change nothing. The answer to its
sender says so, since nothing else would show it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.vocabulary import Effect
from facts.envelope import Entry, moment
from facts.order_key import stated_time

FactKey = tuple[str, str]
"""(source, id)."""

TIME_TOLERANCE = timedelta(minutes=5)
"""How far ahead of the database's clock a time may be that decides the order of facts."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_JUMP = 3
"""A sequence that has more digits than that beyond those of the newest known one is reported."""
_SHORT = 7
"""Digits up to which no jump is reported: small numbers grow fast."""
_DECLARE = "declare on_sequence_restart"


@dataclass(slots=True)
class Arrivals:
    """``stale``: facts that are older than what was known when they arrived. ``warnings``: what is odd about some."""

    stale: set[FactKey] = field(default_factory=set)
    warnings: dict[FactKey, str] = field(default_factory=dict)


def too_far_ahead(
    entries: Iterable[Entry], now: datetime, tolerance: timedelta, catalog: Catalog
) -> dict[FactKey, str]:
    """The owners' facts whose time decides their order and is in the future, with the reason to refuse them.

    One such time would win against every true one until then. ``now``: by the database's clock. The time decides where
    there is no sequence; of kinds whose sequences restart also between lives; and always in a feed of activity.
    """
    restarting, activity = catalog.restarting, catalog.contracts.activity
    limit = ((now - _EPOCH) // _SECOND + tolerance // _SECOND) * 1_000_000_000
    return {
        (e.source, e.id): f"time: is {_ahead(e.time, now)} ahead of Tether's clock, and decides the order of facts;"
        f" at most {tolerance.total_seconds():g} s are accepted"
        for e in entries
        if e.time is not None
        and e.time > limit
        and (
            e.type in activity
            if e.effect is None and (not e.elements or e.source == OWN_SOURCE)
            else e.sequence is None or e.kind in restarting
        )
    }


def _ahead(time: int, now: datetime) -> timedelta:
    return ((moment(time) or now) - now) // _SECOND * _SECOND


class LateFact(NamedTuple):
    """A fact that is older than what was known of its entity when it arrived.

    ``sequence``: that of the newest known fact; ``ended``: the order key of the newest known deletion, or empty;
    ``deleted``: whether no creation is known after that deletion.
    """

    entry: Entry
    sequence: str | None
    ended: bytes
    deleted: bool


def describe(
    late: Iterable[LateFact],
    jumps: Iterable[tuple[Entry, str]],
    unseen: Iterable[Entry],
    restarting: Collection[str],
) -> Arrivals:
    """Describes new facts. ``late``: those older than what was known; ``jumps``: those whose sequence is far beyond
    that of the newest known one, which is given; ``unseen``: changes of entities that are deleted; ``restarting``:
    kinds whose owners declare that sequences begin again."""
    found = Arrivals()
    for fact in late:
        entry = fact.entry
        found.stale.add((entry.source, entry.id))
        warning = _older(fact, declared=entry.kind in restarting)
        if warning is not None:
            found.warnings[entry.source, entry.id] = warning
    for entry, sequence in jumps:
        found.warnings[entry.source, entry.id] = (
            f"sequence: jumps from {sequence} to {entry.sequence}; facts with smaller ones count as older from now on."
            " If that is a mistake, void this fact"
        )
    for entry in unseen:
        found.warnings[entry.source, entry.id] = (
            f"changes {entry.kind} {entry.key}, which is deleted: it is not seen unless an earlier creation arrives"
        )
    return found


def _older(fact: LateFact, *, declared: bool) -> str | None:
    """Why a fact that is older than what is known may be so by mistake. ``declared``: its owner's sequences begin
    again."""
    entry = fact.entry
    if fact.sequence is not None and entry.sequence is None:
        return f"has no sequence, and the newest known fact has {fact.sequence!r}: this one counts as older"
    if entry.effect is not Effect.CREATED or entry.sequence is None or entry.order > fact.ended:
        return None  # not a creation, or one of the life that is known: its other facts have overtaken it
    doubt = _restart(entry.time, stated_time(fact.ended), fact.deleted, declared)
    if doubt is None:
        return None
    return (
        f"creates {entry.kind} {entry.key}, which was deleted, with the sequence {entry.sequence!r}, which is not after"
        f" {fact.sequence!r}: it counts as older than the deletion. {doubt}"
    )


def _restart(created: int | None, ended: int | None, deleted: bool, declared: bool) -> str | None:
    """What is to be said about a creation that counts as older than a deletion; None if it is one of an earlier life.

    ``created``, ``ended``: the times that the two state; ``deleted``: no newer creation is known; ``declared``: whether
    the owner's sequences begin again. Then a time after that of the deletion would have made it the newer one.
    """
    if created is not None and ended is not None:
        if declared or created <= ended:
            return None
        return "By its time it is the newer one: if sequences begin again when a key is used again, " + _DECLARE
    if not deleted:
        return None
    if declared:
        which = "it" if created is None else "the deletion"
        return f"Only a time after that of the deletion shows that the sequence began again, and {which} states none"
    return f"It is right of a late fact; if sequences begin again when a key is used again, {_DECLARE} and state times"


def is_jump(sequence: str | None, before: str | None) -> bool:
    """Whether a sequence is far beyond the one before it. That need not be a mistake: it is reported."""
    if sequence is None or before is None or len(sequence) <= max(_SHORT, len(before) + _JUMP):
        return False
    return sequence.isdigit() and before.isdigit()
