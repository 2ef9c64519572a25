"""Generates random histories of groups, channels, categories and items, as CloudEvents ready to be posted.

``history(seed, …)`` generates large ones, which depend on the seed alone; ``histories()`` is a strategy for
hypothesis, which shrinks them. Facts are in the order in which they happened; ``deliver`` shuffles them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from catalog.registry import OWN_SOURCE
from catalog.vocabulary import Effect
from facts.correlation import encode
from facts.order_key import at_position, order_key
from model.instants import nanoseconds
from model.order import order
from tests.support.events import Event

CAST = ("group", "channel", "channel", "category", "item", "item")
"""The kinds of any six entities: enough for two children to claim one parent."""
SOURCES = {"group": "/groups", "channel": "/channels", "category": "/categories", "item": "/items"}
CREATED = {
    "group": "GroupCreated",
    "channel": "ChannelCreated",
    "category": "CategoryAdded",
    "item": "ItemAdded",
}
CHANGED = {
    "group": "GroupRenamed",
    "channel": "ChannelRenamed",
    "category": "CategoryUpdated",
    "item": "ItemUpdated",
}
DELETED = {
    "group": "GroupDeleted",
    "channel": "ChannelDeleted",
    "category": "CategoryRemoved",
    "item": "ItemRemoved",
}

NASTY_SEQUENCES = (
    *("9", "10", "1a", "007", "7", "00", "0", "a", "A", "é", "-1", "1.5", "٣", " 8", "18446744073709551616"),
    "9" * 40,
)
"""Numbers, texts that look like numbers, and texts that are equal to numbers only by some rules."""

NASTY_TIMES = (
    "2013-01-01T00:00:00Z",
    "2013-01-01T01:00:00+01:00",  # the same instant
    "2013-01-01T00:00:00.000001999Z",  # finer than a microsecond
    "2013-01-01T00:00:00.000001Z",
    "1969-12-31T23:59:59.999999Z",
    "0001-01-02T00:00:00Z",
    "9999-12-29T23:59:59.999999999Z",
)
_TAILS = ("", "", "", "", "é", "😀", "Z", "a b", "%41", "'", "\uffee")
_START = datetime(2013, 1, 1, tzinfo=UTC)


def history(seed: int, entities: int, facts: int) -> list[Event]:
    """Returns ``facts`` facts about ``entities`` entities, in the order in which they happened; the same per seed."""
    return _Writer(Random(seed), entities).write(facts)


def histories(max_entities: int = 8, max_facts: int = 40) -> st.SearchStrategy[list[Event]]:
    """Generates histories of few entities, so that many facts are about the same ones."""

    def write(random: Random, entities: int, facts: int) -> list[Event]:
        return _Writer(random, entities).write(facts)

    return st.builds(
        write, st.randoms(use_true_random=False), st.integers(len(CAST), max_entities), st.integers(0, max_facts)
    )


def deliver(seed: int, events: list[Event], repeats: float = 0.05) -> list[Event]:
    """Returns the events in another order; the share ``repeats`` of them is there twice."""
    random = Random(seed)
    delivered = events + random.sample(events, round(len(events) * repeats))
    random.shuffle(delivered)
    return delivered


def explicit_links(random: Random, events: list[Event], count: int) -> list[Event]:
    """Returns ``count`` explicit links and unlinks of children in these events, as Tether itself records them."""
    children = [e for e in events if e["source"] in (SOURCES["channel"], SOURCES["item"])]
    return [_explicit_link(random, random.choice(children), n) for n in range(count if children else 0)]


def _explicit_link(random: Random, after: Event, number: int) -> Event:
    kind, name = ("group", "group_channel") if after["source"] == SOURCES["channel"] else ("category", "category_item")
    data: Event = {"relationship": name}
    if random.random() < 0.6:
        data["parent"] = f"{kind}-{random.randrange(3)}"
    event: Event = {
        "specversion": "1.0",
        "id": f"own-{number}",
        "source": OWN_SOURCE,
        "type": "Linked.v1" if "parent" in data else "Unlinked.v1",
        "subject": after["subject"],
        "time": (_START + timedelta(days=365, seconds=number)).isoformat(),
        "data": data,
    }
    if "sequence" in after:
        event["sequence"] = after["sequence"]  # so that it is ordered right after that fact
    return event


@dataclass
class _Entity:
    kind: str
    key: str
    habit: str
    """How its owner numbers its facts: ``numbers``, ``none`` or ``nasty``."""
    published: int = 0
    alive: bool = False
    ended: bool = False
    places: set[object] = field(default_factory=set)
    """What the owner has stated about the order of its facts: no two are alike, so that arrival decides nothing."""


@dataclass
class _Writer:
    random: Random
    count: int
    published: int = 0
    cast: list[_Entity] = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = {kind: [] for kind in CAST}
        for number in range(self.count):
            kind = CAST[number % len(CAST)]
            key = f"{kind}-{len(self.keys[kind])}{self.random.choice(_TAILS)}"
            habit = self.random.choice(("numbers", "numbers", "numbers", "none", "nasty"))
            self.cast.append(_Entity(kind, key, habit))
            self.keys[kind].append(key)
        for kind, keys in self.keys.items():
            keys.append(f"{kind}-unheard")  # no fact is ever about it

    def write(self, facts: int) -> list[Event]:
        return [self._fact(self.random.choice(self.cast)) for _ in range(facts)]

    def _fact(self, entity: _Entity) -> Event:
        self.published += 1
        entity.published += 1
        type_, data = self._type_and_data(entity)
        event: Event = {
            "specversion": "1.0",
            "id": f"{self.random.randrange(16):x}-{self.published}",
            "source": SOURCES[entity.kind],
            "type": f"{type_}.v1",
            "subject": entity.key,
            "data": data,
        }
        sequence, time, correlation = self._sequence(entity), self._time(), self._correlation(entity)
        if not self._is_new_place(entity, type_, sequence, time):
            time = self._own_time()
            self._is_new_place(entity, type_, sequence, time)
        if sequence is not None:
            event["sequence"] = sequence
        if time is not None:
            event["time"] = time
        if correlation is not None:
            event["correlationid"] = correlation
        return event

    def _type_and_data(self, entity: _Entity) -> tuple[str, Event]:
        """Returns type and data of the next fact, mostly one that is plausible after the facts before it."""
        dice = self.random.random()
        plausible = dice < 0.9
        if plausible != entity.alive and not (entity.ended and dice < 0.3):
            entity.alive = True
            return CREATED[entity.kind], self._fields(entity, 1.0)
        if dice < 0.2 or (entity.ended and dice < 0.25):
            entity.alive, entity.ended = False, True
            return DELETED[entity.kind], {}
        return CHANGED[entity.kind], self._fields(entity, 0.6 if entity.kind == "item" else 1.0)

    def _fields(self, entity: _Entity, named: float) -> Event:
        data: Event = {}
        if self.random.random() < named:
            data["name"] = f"{self.random.choice(('red', 'grün', ''))} {self.published}"
        if entity.kind == "item" and self.random.random() < 0.7:
            some = self.random.choice(self.keys["category"])
            data["category"] = some if self.random.random() < 0.85 else None
        if self.random.random() < 0.1:
            data["extra"] = {"z": [self.published, None], "a": self.random.random() < 0.5}
        return data

    def _sequence(self, entity: _Entity) -> str | None:
        if entity.habit == "numbers":
            return str(entity.published)
        if entity.habit == "none" or self.random.random() < 0.3:
            return None
        return self.random.choice(NASTY_SEQUENCES)

    def _time(self) -> str | None:
        dice = self.random.random()
        if dice < 0.1:
            return None
        if dice < 0.25:
            return self.random.choice(NASTY_TIMES)
        return self._own_time()

    def _own_time(self) -> str:
        """Returns a time that no other fact has."""
        return (_START + timedelta(seconds=self.published)).isoformat().replace("+00:00", "Z")

    def _is_new_place(self, entity: _Entity, type_: str, sequence: str | None, time: str | None) -> bool:
        """Notes the place that the owner states for a fact; returns whether no other fact of the entity has it."""
        effects = {CREATED[entity.kind]: Effect.CREATED, DELETED[entity.kind]: Effect.DELETED}
        instant = None if time is None else nanoseconds(time)
        place = order(sequence, instant, effects.get(type_, Effect.CHANGED), 0, "", "")
        known = place in entity.places
        entity.places.add(place)
        return not known

    def _correlation(self, entity: _Entity) -> str | None:
        """Returns the correlation id: of a channel mostly that of a request for a group, else one foreign to Tether."""
        dice = self.random.random()
        if entity.kind == "channel" and dice < 0.7:
            sequence = str(self.random.randrange(12))
            life = at_position(order_key(sequence, None, Effect.CREATED), 1) if dice < 0.4 else None
            return encode("group_channel", self.random.choice(self.keys["group"]), life)
        if dice < 0.85:
            return None
        return self.random.choice(("trace-7", encode("group_channel", "group-0"), encode("elsewhere", "group-0")))
