"""Random histories of records that are merged, kept apart and taken apart again: the tables equal the model."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.events import Event
from tests.support.merge_histories import (
    Step,
    deliver_in_batches,
    events_of,
    histories,
    requested_for,
    undoing,
    voiding,
    without_merges,
)
from tests.support.sampling import examples
from tests.support.tenants import CLINIC, StoreTenant, expected_lines, in_a_database

CHAIN_OF_RECORDS: list[Step] = [
    ("SiteOpened", "s1", 1, {}),
    ("PatientAdmitted", "p0", 1, {"site": "s2", "guardian": "p1"}),
    ("PatientAdmitted", "p1", 2, {"site": "s1"}),
    ("PatientAdmitted", "p2", 3, {"guardian": "p0"}),
    ("SiteMerged", "s2", 1, {"into": "s1"}),
    ("PatientMerged", "p1", 4, {"survivor": "p1", "losers": ["p0"]}),
    ("Merged", "p2", 5, {"kind": "patient", "survivor": "p2", "losers": ["p1"]}),
    ("PatientDischarged", "p0", 6, {}),
    ("PatientsKeptApart", "p0", 7, {"one": "p0", "other": "p2"}),
    ("PatientUnmerged", "p1", 8, {"survivor": "p1", "losers": ["p0"]}),
]
"""A chain over two owners' facts, with a retired record, and a forbidden pair that takes it apart."""


WAY_THAT_CHANGES: list[Step] = [
    ("PatientsKeptApart", "p0", 5, {"one": "p0", "other": "p3"}),
    ("PatientMerged", "p0", 1, {"survivor": "p0", "losers": ["p1", "p4"]}),
    ("PatientMerged", "p3", 2, {"survivor": "p3", "losers": ["p2"]}),
    ("PatientMerged", "p4", 3, {"survivor": "p4", "losers": ["p1"]}),
    ("PatientMerged", "p1", 9, {"survivor": "p1", "losers": ["p2"]}),
    ("PatientUnmerged", "p0", 8, {"survivor": "p0", "losers": ["p1"]}),
]
"""A pair is set aside; then the shortest of two ways that it would open is taken apart, and the longer one is left."""

MERGED: Step = ("PatientMerged", "p0", 1, {"survivor": "p0", "losers": ["p1"]})
SURVIVOR: Step = ("PatientAdmitted", "p0", 1, {})
AT_A_SITE: Step = ("PatientAdmitted", "p1", 1, {"site": "s1"})
FILE: Step = ("FileOpened", "f0", 1, {"correlation": requested_for("p1", 1)})
LIVES_OF_LOSERS: dict[str, list[Step]] = {
    "change after the last life": [
        *(SURVIVOR, AT_A_SITE, MERGED),
        *(("PatientDischarged", "p1", 2, {}), ("PatientChanged", "p1", 5, {"site": "s2"})),
    ],
    "change between a deletion and its repetition": [
        *(SURVIVOR, AT_A_SITE, MERGED, ("PatientDischarged", "p1", 2, {})),
        *(("PatientChanged", "p1", 5, {"site": "s2"}), ("PatientDischarged", "p1", 6, {})),
    ],
    "life that began before its first fact": [
        *(SURVIVOR, ("PatientChanged", "p1", 1, {"site": "s1"}), MERGED, ("PatientDischarged", "p1", 2, {})),
        *(("PatientChanged", "p1", 5, {"site": "s2"}), ("PatientDischarged", "p1", 6, {})),
    ],
    "file of a loser that was created again": [
        *(FILE, AT_A_SITE, SURVIVOR, MERGED),
        *(("PatientDischarged", "p1", 5, {}), ("PatientAdmitted", "p1", 6, {})),
    ],
    "file of the first of two lives that ended": [
        *(FILE, AT_A_SITE, SURVIVOR, MERGED, ("PatientDischarged", "p1", 5, {})),
        *(("PatientAdmitted", "p1", 6, {}), ("PatientDischarged", "p1", 7, {})),
    ],
    "file of a former life of which no survivor is known yet": [
        *(MERGED, ("PatientDischarged", "p1", 5, {}), ("PatientAdmitted", "p1", 6, {}), FILE, SURVIVOR),
    ],
    "file of a former life that is void": [
        *(("PatientDischarged", "p1", 5, {}), FILE, ("FactVoided", "", 0, {})),
    ],
}


async def rows(tenant: StoreTenant) -> list[dict[str, Any]]:
    """Returns the rows of entities and links. Whether a link is of a former incarnation counts only if its parent is
    live; the lines show it then."""
    entities, links = await tenant.rows()
    return entities + [row | {"of_former_incarnation": None} for row in links]


@settings(in_a_database, max_examples=examples(10))
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 10))
@example(history=events_of(CHAIN_OF_RECORDS), seed=1, most=1)
@example(history=events_of(CHAIN_OF_RECORDS), seed=2, most=4)
@example(history=events_of(WAY_THAT_CHANGES), seed=1, most=1)
async def test_any_merges_in_any_delivery_equal_the_model(
    clinic: StoreTenant, history: list[Event], seed: int, most: int
) -> None:
    one, other = clinic.other_tenant(), clinic.other_tenant()
    await one.record_batches([[event] for event in history])
    await one.assert_holds(history)
    batches = deliver_in_batches(seed, history, most)
    await other.record_batches(batches)
    await other.assert_holds([event for batch in batches for event in batch])
    assert await other.lines() == await one.lines()
    assert await rows(other) == await rows(one)


@pytest.mark.parametrize("steps", LIVES_OF_LOSERS.values(), ids=LIVES_OF_LOSERS)
async def test_lives_of_losers_count_as_in_the_model(clinic: StoreTenant, steps: list[Step]) -> None:
    history = events_of(steps)
    deliveries = [[[event] for event in history], *(deliver_in_batches(seed, history, 1) for seed in range(5))]
    for batches in deliveries:
        tenant = clinic.other_tenant()
        recorded: list[Event] = []
        for batch in batches:
            await tenant.record(*batch)
            recorded += batch
            await tenant.assert_holds(recorded)


@settings(in_a_database, max_examples=examples(10))
@given(history=histories(), seed=st.integers(0, 2**32), most=st.integers(1, 10), void=st.booleans())
@example(history=events_of(CHAIN_OF_RECORDS), seed=3, most=1, void=True)
@example(history=events_of(CHAIN_OF_RECORDS), seed=4, most=4, void=False)
async def test_undoing_all_merges_gives_the_state_without_any(
    clinic: StoreTenant, history: list[Event], seed: int, most: int, void: bool
) -> None:
    never, undone = clinic.other_tenant(), clinic.other_tenant()
    records = without_merges(history)
    await never.record_batches(deliver_in_batches(seed, records, most))
    undo = voiding(history) if void else undoing(history)
    await undone.record_batches([*deliver_in_batches(seed, history, most), *([fact] for fact in undo)])
    assert await undone.lines() == await never.lines() == expected_lines(CLINIC, records)
    assert await rows(undone) == await rows(never)
    assert await undone.waits() == await never.waits()
    assert (await undone.audit()).violated == []
