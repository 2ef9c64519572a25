"""Generates random histories of a clinic, whose sites, patients and files may turn out to be the same, or not.

What it makes of steps and events also holds for those of the library, in ``tests/support/list_histories.py``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from catalog.registry import OWN_SOURCE
from catalog.vocabulary import Effect
from facts.correlation import encode
from facts.order_key import at_position, order_key
from tests.support.events import Event
from tests.support.strategies import deliver
from tests.support.tenants import CLINIC, LIBRARY, cut_into_batches

SITES = ("s0", "s1", "s2")
PATIENTS = ("p0", "p1", "p2", "p3", "p4")
FILES = ("f0", "f1", "f2")
KEYS = {"site": SITES, "patient": PATIENTS, "file": FILES}
IDENTITY = ("Merged", "Unmerged", "MergeForbidden", "MergeForbiddenLifted", "KeptApart", "MayBeMerged")
"""How the types of all facts about identity end."""

Step = tuple[str, str, int, Event]
"""(type without version, key, sequence, data)"""

_CONTRACTS = {**CLINIC.contracts.by_type, **LIBRARY.contracts.by_type}
_RELATIONSHIPS = {**CLINIC.relationships, **LIBRARY.relationships}
_START = datetime(2013, 1, 1, tzinfo=UTC)
_SEQUENCES = st.integers(1, 9)


def histories(longest: int = 24, merges_only: bool = False) -> st.SearchStrategy[list[Event]]:
    """Generates facts, in the order in which they happened. ``merges_only``: nothing is kept apart, nothing voided."""
    steps = [_records(), _records(), _merges(), _merges()]
    if not merges_only:
        steps += [_apart(), _voids()]
    return st.lists(st.one_of(*steps), max_size=longest).map(events_of)


def events_of(steps: Sequence[Step]) -> list[Event]:
    """Returns the steps as events. Their times differ, so that arrival decides nothing."""
    events: list[Event] = []
    for number, (type, key, sequence, data) in enumerate(steps):
        event: Event = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": OWN_SOURCE if type in _OWN else f"/{_CONTRACTS[f'{type}.v1'].owner}",
            "type": f"{type}.v1",
            "subject": key,
            "sequence": str(sequence),
            "time": (_START + timedelta(seconds=number)).isoformat(),
            "data": dict(data),
        }
        if "correlation" in data:
            event["correlationid"] = event["data"].pop("correlation")
        if type == "FactVoided":
            left = [fact for fact in events if fact["type"] != "FactVoided.v1"]
            if not left:
                continue
            voided = left[sequence % len(left)]
            event |= {"subject": voided["subject"], "id": f"v{number}"}
            event["data"] = {
                "source": voided["source"],
                "id": voided["id"],
                "type": voided["type"],
                "kind": kind_of(voided),
            }
        events.append(event)
    return events


def deliver_in_batches(seed: int, events: list[Event], most: int) -> list[list[Event]]:
    """Returns the events in another order, some twice, in batches of 1 to ``most``. Only what is recorded is voided."""
    random = Random(seed)
    void = [event for event in events if event["type"] == "FactVoided.v1"]
    rest = [event for event in events if event["type"] != "FactVoided.v1"]
    batches = cut_into_batches(random, deliver(seed, rest, repeats=0.3), most)
    for event in void:
        after = next(n for n, batch in enumerate(batches) if any(e["id"] == event["data"]["id"] for e in batch))
        batches.insert(random.randint(after + 1, len(batches)), [event])
    return batches


def _void_of(event: Event) -> Event:
    return {"source": event["source"], "id": event["id"], "type": event["type"], "kind": kind_of(event)}


def kind_of(event: Event) -> str:
    """Returns the kind of entity that an event is about."""
    if event["source"] == OWN_SOURCE:
        data = event["data"]
        return str(data["kind"] if "kind" in data else _RELATIONSHIPS[data["relationship"]].listing_kind)
    return _CONTRACTS[event["type"]].kind


def is_about_identity(event: Event) -> bool:
    """Returns whether an event says which keys are the same."""
    return str(event["type"]).removesuffix(".v1").endswith(IDENTITY)


def without_merges(events: Sequence[Event]) -> list[Event]:
    """Returns the events that are not about identity, and do not void one that is."""
    left = [event for event in events if not is_about_identity(event)]
    known = {event["id"] for event in left}
    return [event for event in left if event["type"] != "FactVoided.v1" or event["data"]["id"] in known]


def undoing(events: Sequence[Event]) -> list[Event]:
    """Returns a later fact for each pair that these events merge: that it is none."""
    pairs = {(kind_of(event), *pair) for event in events if is_merge(event) for pair in pairs_of(event)}
    return [
        {
            "specversion": "1.0",
            "id": f"undo/{kind}/{loser}/{survivor}",
            "source": OWN_SOURCE,
            "type": "Unmerged.v1",
            "subject": survivor,
            "sequence": "10",
            "data": {"kind": kind, "survivor": survivor, "losers": [loser]},
        }
        for kind, loser, survivor in sorted(pairs)
    ]


def voiding(events: Sequence[Event]) -> list[Event]:
    """Returns a fact for each of these that is about identity: that it is void."""
    return [
        {
            "specversion": "1.0",
            "id": f"void/{event['id']}",
            "source": OWN_SOURCE,
            "type": "FactVoided.v1",
            "subject": event["subject"],
            "data": _void_of(event),
        }
        for event in events
        if is_about_identity(event)
    ]


def is_merge(event: Event) -> bool:
    """Returns whether an event merges keys."""
    return str(event["type"]).endswith("Merged.v1") and "BeMerged" not in event["type"]


def pairs_of(event: Event) -> list[tuple[str, str]]:
    """Returns the pairs (loser, survivor) of a merge or its undo."""
    data = event["data"]
    if "into" in data:
        return [(event["subject"], data["into"])]
    return [(loser, data["survivor"]) for loser in data["losers"]]


def requested_for(patient: str, created: int | None) -> str:
    """Returns the correlation id of a file that was requested for a patient. ``created``: the sequence of the creation
    that began the life it was requested for; None: it is for any."""
    life = None if created is None else at_position(order_key(str(created), None, Effect.CREATED), 1)
    return encode("patient_file", patient, life)


_OWN = ("Linked", "Unlinked", "FactVoided", "Merged", "Unmerged", "MergeForbidden", "MergeForbiddenLifted")


@st.composite
def _records(draw: st.DrawFn) -> Step:
    """A fact about one record."""
    kind = draw(st.sampled_from(("patient", "patient", "site", "file")))
    key, sequence = draw(st.sampled_from(KEYS[kind])), draw(_SEQUENCES)
    if kind == "site":
        return draw(st.sampled_from(("SiteOpened", "SiteOpened", "SiteClosed"))), key, sequence, {}
    if kind == "file":
        type = draw(st.sampled_from(("FileOpened", "FileOpened", "FileChanged", "FileDestroyed")))
        return type, key, sequence, draw(_requested()) if type == "FileOpened" else {}
    types = ("PatientAdmitted", "PatientAdmitted", "PatientChanged", "PatientDischarged", "Linked", "Unlinked")
    type = draw(st.sampled_from(types))
    if type.endswith("inked"):
        relationship = draw(st.sampled_from(("site_patient", "site_last", "guardian_own", "guardian_newest")))
        data = {"relationship": relationship}
        if type == "Linked":
            data["parent"] = draw(st.sampled_from(SITES if relationship.startswith("site") else PATIENTS))
        return type, key, sequence, data
    return type, key, sequence, {} if type == "PatientDischarged" else draw(_references())


@st.composite
def _references(draw: st.DrawFn) -> Event:
    data: dict[str, Any] = {}
    if draw(st.booleans()):
        data["site"] = draw(st.sampled_from((*SITES, None)))
    if draw(st.booleans()):
        data["guardian"] = draw(st.sampled_from((*PATIENTS, None)))
    return data


@st.composite
def _requested(draw: st.DrawFn) -> Event:
    """A file that was requested for a patient, of any life or of one."""
    return {"correlation": requested_for(draw(st.sampled_from(PATIENTS)), draw(st.none() | _SEQUENCES))}


@st.composite
def _merges(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from(("patient", "patient", "site", "file")))
    survivor, *losers = draw(st.lists(st.sampled_from(KEYS[kind]), min_size=2, max_size=3, unique=True))
    verb = draw(st.sampled_from(("Merged", "Merged", "Merged", "Unmerged")))
    if draw(st.integers(0, 3)) == 0:
        return verb, survivor, draw(_SEQUENCES), {"kind": kind, "survivor": survivor, "losers": losers}
    if kind == "site":
        return f"Site{verb}", losers[0], draw(_SEQUENCES), {"into": survivor}
    return f"{kind.title()}{verb}", survivor, draw(_SEQUENCES), {"survivor": survivor, "losers": losers}


@st.composite
def _apart(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from(("patient", "patient", "site", "file")))
    one, other = draw(st.lists(st.sampled_from(KEYS[kind]), min_size=2, max_size=2, unique=True))
    if kind == "patient" and draw(st.booleans()):
        type = draw(st.sampled_from(("PatientsKeptApart", "PatientsKeptApart", "PatientsMayBeMerged")))
        return type, one, draw(_SEQUENCES), {"one": one, "other": other}
    type = draw(st.sampled_from(("MergeForbidden", "MergeForbidden", "MergeForbiddenLifted")))
    return type, one, draw(_SEQUENCES), {"kind": kind, "one": one, "other": other}


def _voids() -> st.SearchStrategy[Step]:
    """Voids the fact at the place that the sequence says, among those before."""
    return st.tuples(st.just("FactVoided"), st.just(""), st.integers(0, 30), st.just({}))
