"""Generates facts like real ones, the same at every call: one function for each recipe.

A recipe takes a number to start at and a count. RECIPES has them by name.
"""

import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

Event = dict[str, Any]

_AIRPORTS = [f"{a}{b}{c}" for a in "ABCDEJKLMS" for b in "AEO" for c in "DFKL"]
_CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")


def event(source: str, type: str, key: str, data: dict[str, Any], number: int = 1) -> Event:
    """Builds a CloudEvent about an entity. ``number``: its sequence, also a part of its id."""
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
    """Items with one reference each, a hundred to a category, which comes before or after them."""
    for n in range(start, start + count):
        if n % 100 == 50:
            yield event("/categories", "CategoryAdded.v1", f"c{n // 100}", {"name": f"Category {n // 100}"})
        else:
            # At most ten thousand facts before or after the fact of its category.
            category = max(0, n // 100 + (n * 7919) % 200 - 100)
            yield event("/items", "ItemAdded.v1", f"i{n}", {"name": f"Item number {n}", "category": f"c{category}"})


def flights(start: int, count: int) -> Iterator[Event]:
    """Flights with four references each, like New York's flights of 2013; what they refer to comes first."""
    return islice(_flights(start), count)


def _flights(start: int) -> Iterator[Event]:
    planes = [f"N{n:05}" for n in range(10_000, 10_800)]
    if start == 0:
        yield from (event("/airlines", "AirlineAdded.v1", c, {"name": f"Airline {c}"}) for c in _CARRIERS)
        yield from (event("/airports", "AirportAdded.v1", a, {"name": f"Airport {a}"}) for a in _AIRPORTS)
        yield from (event("/planes", "PlaneAdded.v1", p, {"model": "A320", "seats": 182}) for p in planes)
    numbers = random.Random(start)
    for n in range(start, 1 << 62):
        carrier, number, origin = numbers.choice(_CARRIERS), numbers.randrange(1, 6_000), numbers.choice(_AIRPORTS[:3])
        data = {
            "carrier": carrier,
            "flight": number,
            "origin": origin,
            "dest": numbers.choice(_AIRPORTS),
            "tailnum": numbers.choice(planes),
            "distance": numbers.randrange(80, 5_000),
        }
        yield event("/flights", "FlightScheduled.v1", f"{carrier}{number}-{origin}-{n:08}", data)


def pairs(start: int, count: int) -> Iterator[Event]:
    """``count`` pairs of a parcel and its receipt: the facts are shuffled, and a twentieth of them is repeated."""
    facts = []
    for n in range(start, start + count):
        facts.append(event("/parcels", "ParcelSent.v1", f"p{n}", {"weight": n % 30_000}))
        facts.append(event("/receipts", "ReceiptSigned.v1", f"r{n}", {"parcel": f"p{n}", "name": f"Person {n % 997}"}))
    numbers = random.Random(start)
    facts += numbers.sample(facts, len(facts) // 20)
    numbers.shuffle(facts)
    return iter(facts)


def children(start: int, count: int) -> Iterator[Event]:
    """Items that all refer to one category, ``awaited``, of which no fact is sent."""
    for n in range(start, start + count):
        yield event("/items", "ItemAdded.v1", f"i{n}", {"name": f"Item number {n}", "category": "awaited"})


CHANGED = 20_000
"""Items that the recipe ``changes`` is about."""


def changes(start: int, count: int) -> Iterator[Event]:
    """Changes of the same items again and again, round after round; each moves its item to another category."""
    for n in range(start, start + count):
        data = {"name": f"Item number {n}, as it is called from its change number {n} on", "category": f"c{n % 97}"}
        yield event("/items", "ItemUpdated.v1", f"i{n % CHANGED}", data, n // CHANGED + 1)


def removals(start: int, count: int) -> Iterator[Event]:
    """Removals of the items of the recipe ``children``, one fact each."""
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
    """Parcels without a receipt."""
    for n in range(start, start + count):
        yield event("/parcels", "ParcelSent.v1", f"p{n}", {"weight": n % 30_000})


def groups(start: int, count: int) -> Iterator[Event]:
    """Groups, for each of which Tether requests a channel."""
    for n in range(start, start + count):
        yield event("/groups", "GroupCreated.v1", f"g{n}", {"name": f"Group {n}"})


def people(start: int, count: int) -> Iterator[Event]:
    """Profiles of people."""
    for n in range(start, start + count):
        yield event("/people", "PersonCreated.v1", f"p{n}", {"name": f"Person {n}", "email": f"p{n}@example.org"})


def visits(start: int, count: int) -> Iterator[Event]:
    """Activity, three items for each profile of the recipe ``people``."""
    for n in range(start, start + count):
        yield event("/activities", "ActivityRecorded.v1", f"v{n}", {"person_id": f"p{n // 3}", "what": "visited"})


def tickets(start: int, count: int) -> Iterator[Event]:
    """A ticket for each profile of the recipe ``people``."""
    for n in range(start, start + count):
        yield event("/tickets", "TicketOpened.v1", f"t{n}", {"subject": "Help", "person_id": f"p{n}"})


def merges(start: int, count: int) -> Iterator[Event]:
    """Merges of two profiles each: ``n`` merges the profiles ``2n`` and ``2n + 1``."""
    for n in range(start, start + count):
        data = {"survivor": f"p{2 * n}", "losers": [f"p{2 * n + 1}"]}
        yield event("/people", "PersonMerged.v1", f"p{2 * n}", data, 2)


def partings(start: int, count: int) -> Iterator[Event]:
    """Takes back the merges of the recipe ``merges``."""
    for n in range(start, start + count):
        data = {"survivor": f"p{2 * n}", "losers": [f"p{2 * n + 1}"]}
        yield event("/people", "PersonUnmerged.v1", f"p{2 * n}", data, 3)


def diaries(start: int, count: int, members: int) -> Iterator[Event]:
    """Activity of one person, evenly of ``members`` profiles: an item each hour."""
    for n in range(start, start + count):
        year, month = divmod(n // (24 * 28), 12)
        time = f"{2013 + year}-{month + 1:02}-{n // 24 % 28 + 1:02}T{n % 24:02}:15:00Z"
        data = {"person_id": f"m{members}-{n % members}", "what": "visited"}
        yield {**event("/activities", "ActivityRecorded.v1", f"d{members}-{n}", data), "time": time}


RECIPES: dict[str, Callable[[int, int], Iterator[Event]]] = {
    **{
        recipe.__name__: recipe
        for recipe in (
            *(items, flights, pairs, parcels, children, changes, removals, teams, events, groups),
            *(people, visits, tickets, merges, partings),
        )
    },
    **{f"diaries{members}": partial(diaries, members=members) for members in (1, 10, 1_000)},
}
