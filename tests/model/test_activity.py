"""The model's multiset of activity: any order, repetition, voids, and facts that change no entity."""

from itertools import permutations

from catalog import catalog as catalogs
from catalog.registry import OWN_SOURCE
from model import facts
from model.activity import activity, feed
from model.facts import FactId, ModelFact
from model.fold import fold
from tests.support.events import Event, event
from tests.support.merging import activity as did

CATALOG = catalogs.load()
NOON, LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000000001Z"


def model_facts(*events: Event) -> list[ModelFact]:
    return [
        facts.read(CATALOG, one | {"subject": one.get("subject") or one["id"]}, n) for n, one in enumerate(events, 1)
    ]


def test_feed_of_several_keys_is_in_time_order_then_by_arrival() -> None:
    found = activity(
        CATALOG, model_facts(did("1", "a", LATER), did("2", "b", NOON), did("3", "a", NOON), did("4", "c", NOON))
    )
    assert [one.id for one in feed(found, "person", ("a", "b"))] == ["2", "3", "1"]


def test_order_and_repetition_do_not_matter() -> None:
    every = model_facts(did("1", "a", NOON), did("2", "a", NOON), event("PersonCreated", "a", 1, name="A"))
    expected = activity(CATALOG, every)
    assert all(activity(CATALOG, [*order, *order]) == expected for order in permutations(every))
    assert len(expected) == 2


def test_void_takes_one_away_wherever_it_stands() -> None:
    void = {"source": "/activities", "id": "1", "type": "ActivityRecorded.v1", "reason": "a mistake"}
    voiding = {"source": OWN_SOURCE, "id": "v", "type": "FactVoided.v1", "subject": "1", "data": void}
    for order in permutations(model_facts(did("1", "a", NOON), did("2", "a", NOON), voiding)):
        assert {one.id for one in activity(CATALOG, order)} == {"2"}


def test_without_a_time_it_happened_when_it_was_received() -> None:
    (found,) = activity(CATALOG, model_facts(did("1", "a")), {FactId("/activities", "1"): 5})
    assert found.happened == 5


def test_activity_makes_no_entity() -> None:
    assert fold(CATALOG, model_facts(did("1", "a", NOON))).entities == {}
