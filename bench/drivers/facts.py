"""Facts made up after real ones, the same at every call: recipes by their names."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

Event = dict[str, Any]

_AIRPORTS = [f"{a}{b}{c}" for a in "ABCDEJKLMS" for b in "AEO" for c in "DFKL"]
_CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")


def event(source: str, type: str, key: str, data: dict[str, Any], number: int = 1) -> Event:
    """A fact about an entity, its first or a later one."""
    return {
        "specversion": "1.0",
        "id": f"{key}-{number}",
        "source": source,
        "type": type,
        "subject": key,
        "time": "2013-01-01T05:15:00Z",
        "sequence": str(number),
        "data": data,
    }


def items(start: int, count: int) -> Iterator[Event]:
    """One reference each, a hundred items to a category, which comes before or after them."""
    for n in range(start, start + count):
        if n % 100 == 50:
            yield event("/categories", "CategoryAdded.v1", f"c{n // 100}", {"name": f"Category {n // 100}"})
        else:
            # Within ten thousand facts of its category's own, on either side.
            category = max(0, n // 100 + (n * 7919) % 200 - 100)
            yield event("/items", "ItemAdded.v1", f"i{n}", {"name": f"Item number {n}", "category": f"c{category}"})


def flights(start: int, count: int) -> Iterator[Event]:
    """Four references each, as New York's flights of 2013 have them: the few that they refer to come first."""
    return islice(_flights(start), count)


def _flights(start: int) -> Iterator[Event]:
    planes = [f"N{n:05}" for n in range(10_000, 10_800)]
    if start == 0:
        yield from (event("/airlines", "AirlineAdded.v1", c, {"name": f"Airline {c}"}) for c in _CARRIERS)
        yield from (event("/airports", "AirportAdded.v1", a, {"name": f"Airport {a}"}) for a in _AIRPORTS)
        yield from (event("/planes", "PlaneAdded.v1", p, {"model": "A320", "seats": 182}) for p in planes)
    dice = random.Random(start)
    for n in range(start, 1 << 62):
        carrier, number, origin = dice.choice(_CARRIERS), dice.randrange(1, 6_000), dice.choice(_AIRPORTS[:3])
        data = {
            "carrier": carrier,
            "flight": number,
            "origin": origin,
            "dest": dice.choice(_AIRPORTS),
            "tailnum": dice.choice(planes),
            "distance": dice.randrange(80, 5_000),
        }
        yield event("/flights", "FlightScheduled.v1", f"{carrier}{number}-{origin}-{n:08}", data)


def pairs(start: int, count: int) -> Iterator[Event]:
    """``count`` pairs: twice as many facts, shuffled, and a twentieth of them sent twice."""
    facts = []
    for n in range(start, start + count):
        facts.append(event("/parcels", "ParcelSent.v1", f"p{n}", {"weight": n % 30_000}))
        facts.append(event("/receipts", "ReceiptSigned.v1", f"r{n}", {"parcel": f"p{n}", "name": f"Person {n % 997}"}))
    dice = random.Random(start)
    facts += dice.sample(facts, len(facts) // 20)
    dice.shuffle(facts)
    return iter(facts)


def children(start: int, count: int) -> Iterator[Event]:
    """Items that all refer to one category, ``awaited``."""
    for n in range(start, start + count):
        yield event("/items", "ItemAdded.v1", f"i{n}", {"name": f"Item number {n}", "category": "awaited"})


def removals(start: int, count: int) -> Iterator[Event]:
    """The same items are removed, each by a fact of its own."""
    for n in range(start, start + count):
        yield event("/items", "ItemRemoved.v1", f"i{n}", {}, 2)


def teams(start: int, count: int) -> Iterator[Event]:
    """Teams that all take part in one event, ``festival``."""
    for n in range(start, start + count):
        yield event("/teams", "TeamCreated.v1", f"t{n}", {"name": f"Team {n}", "event_id": "festival"})


def events(start: int, count: int) -> Iterator[Event]:
    """Events, each followed by its fifty teams: fact ``n`` is about event ``n // 51``."""
    for n in range(start, start + count):
        at, team = divmod(n, 51)
        if team == 0:
            yield event("/events", "EventCreated.v1", f"e{at}", {"name": f"Event {at}"})
        else:
            yield event("/teams", "TeamCreated.v1", f"t{at}-{team}", {"name": f"Team {team}", "event_id": f"e{at}"})


def parcels(start: int, count: int) -> Iterator[Event]:
    """Parcels without a receipt: nothing follows from them."""
    for n in range(start, start + count):
        yield event("/parcels", "ParcelSent.v1", f"p{n}", {"weight": n % 30_000})


def groups(start: int, count: int) -> Iterator[Event]:
    """Groups, each of which needs a channel."""
    for n in range(start, start + count):
        yield event("/groups", "GroupCreated.v1", f"g{n}", {"name": f"Group {n}"})


RECIPES: dict[str, Callable[[int, int], Iterator[Event]]] = {
    recipe.__name__: recipe for recipe in (items, flights, pairs, parcels, children, removals, teams, events, groups)
}
