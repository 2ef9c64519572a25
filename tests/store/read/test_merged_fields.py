"""The fields of merged people: those that the model gives, whatever was merged, deleted, and in whatever order."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from model.facts import read
from model.fields import fields
from store.db.snapshot import snapshot
from store.read.merged_entities import combined
from tests.support.events import Event, event
from tests.support.sampling import examples
from tests.support.strategies import deliver
from tests.support.tenants import CATALOG, StoreTenant, cut_into_batches, fold_events, in_a_database

PEOPLE = ("a", "b", "c", "d")
_VALUES: dict[str, tuple[Any, ...]] = {
    "name": ("Ann", "Anne"),
    "email": ("ann@example.org", "", None),
    "phone": ("1", "2", "", None),
    "labels": (["x"], ["y", "x"], [], None),
}
_START = datetime(2013, 1, 1, tzinfo=UTC)

Step = tuple[str, str, int, Event]
"""(type without version, key, sequence, data)"""


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Generates one fact about a person."""
    key, *others = draw(st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=3, unique=True))
    type = draw(st.sampled_from(("Created", "Changed", "Changed", "Deleted", "Merged", "Merged", "Unmerged")))
    data: Event = {}
    if type.endswith("erged"):
        data = {"survivor": key, "losers": others}
    elif type != "Deleted":
        data = {name: draw(st.sampled_from(values)) for name, values in _VALUES.items() if draw(st.booleans())}
        data |= {"name": "Ann"} if type == "Created" else {}
    return f"Person{type}", key, draw(st.integers(1, 9)), data


def events(history: list[Step]) -> list[Event]:
    """Returns the steps as events, whose times differ, so that arrival decides nothing."""
    return [
        event(type, key, at, time=(_START + timedelta(seconds=n)).isoformat(), id=f"e{n}", **data)
        for n, (type, key, at, data) in enumerate(history)
    ]


@settings(in_a_database, max_examples=examples(13))
@given(st.lists(steps(), max_size=20).map(events), st.integers(0, 2**32))
async def test_fields_of_merged_people_are_those_of_the_model(
    tenant: StoreTenant, history: list[Event], seed: int
) -> None:
    one = tenant.other_tenant()
    await one.record_batches(cut_into_batches(Random(seed), deliver(seed, history)))
    facts = [read(CATALOG, event) for event in history]
    clusters = fold_events(CATALOG, history).merges.clusters
    async with snapshot(one.pool, one.name) as at:
        for (kind, survivor), losers in clusters.items():
            found, _ = await combined(at, CATALOG, kind, [survivor, *losers])
            expected = fields(CATALOG, facts, kind, losers[0])
            assert found.data == {name: field.value for name, field in expected.items()}
            assert found.origins == {name: field.origins for name, field in expected.items()}
