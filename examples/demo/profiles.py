"""People with two profiles each: their profiles, activity and tickets, and what Tether answers about them."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from examples.demo.groups_and_channels import posted
from examples.demo.stage import Stage
from examples.demo.tether import Json

REL = "person_ticket"

START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
"""The time from which the minutes of activity count: long enough ago that all of it has happened."""

FIRST = 100
"""The minute of the first activity that is there before any merge; the others follow, a minute after each other."""

AT_ONCE = 20
"""Requests to owners that are sent concurrently."""

T = TypeVar("T")


class PersonWithTwoProfiles(NamedTuple):
    """One person. ``old``, ``new``: the keys of the profiles; each ``_activity`` and ``_tickets``: how many it has."""

    name: str
    old: str
    new: str
    old_activity: int
    new_activity: int
    old_tickets: int
    new_tickets: int

    @property
    def activity(self) -> int:
        """How many activities both profiles have."""
        return self.old_activity + self.new_activity

    @property
    def tickets(self) -> int:
        """How many tickets both profiles have."""
        return self.old_tickets + self.new_tickets


ANN = PersonWithTwoProfiles("Ann", "u-17", "ann@example.org", 120, 80, 3, 2)
BOB = PersonWithTwoProfiles("Bob", "u-18", "bob@example.org", 30, 20, 1, 1)
CLEO = PersonWithTwoProfiles("Cleo", "u-19", "cleo@example.org", 10, 5, 0, 0)
DAN = PersonWithTwoProfiles("Dan", "u-20", "dan@example.org", 4, 3, 0, 0)
"""Two people: father and son, who have the same name."""
PEOPLE = (ANN, BOB, CLEO, DAN)


async def enter(on: Stage, person: PersonWithTwoProfiles) -> None:
    """Creates both profiles at People, their activity at Activities and their tickets at Tickets."""
    await create(on, person.old, {"name": person.name, "phone": "555-01", "labels": ["newsletter"]})
    await create(on, person.new, {"name": f"{person.name} Lee", "email": person.new, "labels": ["vip"]})
    keys = [person.old] * person.old_activity + [person.new] * person.new_activity
    await together(record(on, key, number) for number, key in enumerate(keys, FIRST))
    for key, count in ((person.old, person.old_tickets), (person.new, person.new_tickets)):
        for number in range(count):
            await open_ticket(on, key, number)


async def create(on: Stage, key: str, fields: Json) -> None:
    """Creates a profile at People, or a retired one again. Raises HTTPStatusError."""
    await posted(on.people.http.post("/people", json={"id": key, **fields}))


async def record(on: Stage, key: str, minute: int) -> None:
    """Records at Activities what a person did. Raises HTTPStatusError.

    ``key``: of the person, as the reporter knows it; ``minute``: when it happened, in minutes after ``START``.
    """
    time = (START + timedelta(minutes=minute)).isoformat()
    body = {"id": f"{key}-{minute}", "person_id": key, "what": "signed in", "time": time}
    await posted(on.activities.http.post("/activities", json=body))


async def open_ticket(on: Stage, key: str, number: int) -> None:
    """Opens a ticket of a person at Tickets. Raises HTTPStatusError."""
    body = {"id": f"{key}-{number}", "subject": "Help", "person_id": key}
    await posted(on.tickets.http.post("/tickets", json=body))


async def together(work: Iterable[Awaitable[T]]) -> None:
    """Awaits all of these, ``AT_ONCE`` of them concurrently."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: Awaitable[T]) -> None:
        async with slots:
            await item

    await asyncio.gather(*map(one, work))


def order(person: PersonWithTwoProfiles, losers: Sequence[str] = ()) -> Json:
    """The body that merges the person's old profile, or these ``losers``, into the new one."""
    return {"survivor": person.new, "losers": list(losers) or [person.old]}


async def merge(on: Stage, person: PersonWithTwoProfiles) -> Json:
    """Requests a merge from Tether; returns the operation. Raises Refusal."""
    return await on.tether.request("POST", "entities/person/merges", "operate", body=order(person))


async def entity(on: Stage, key: str, **when: str) -> Json:
    """The person that a key stands for; empty if there is none. ``when``: ``as_of=`` with a token."""
    return await on.tether.entity("person", key, **when) or {}


async def activity(on: Stage, key: str, **when: str) -> list[str]:
    """Ids of the activity of a person in the order in which it happened."""
    return [item["subject"] for item in await on.tether.activity("person", key, order="oldest", **when)]


async def counts(on: Stage, *keys: str, **when: str) -> list[int]:
    """How many activities are listed for each of these keys."""
    return [len(await activity(on, key, **when)) for key in keys]


async def tickets(on: Stage, key: str, **when: str) -> int:
    """How many tickets are linked to a key."""
    return len(await on.tether.links(REL, parent=key, **when))


async def at_tickets(on: Stage, person: PersonWithTwoProfiles) -> list[int]:
    """How many tickets Tickets has of the old and of the new key."""
    answers = [await on.tickets.http.get("/tickets", params={"person_id": key}) for key in person[1:3]]
    return [len(answer.json()["items"]) for answer in answers]


async def status(on: Stage, key: str) -> int:
    """The HTTP status that People answers about a profile: 410 once it is retired."""
    return (await on.people.http.get(f"/people/{quote(key)}")).status_code


def proven(proof: Json, key: str, side: str) -> list[tuple[Any, ...]]:
    """(part, count, hash) of everything that belongs to a key on one side of a proof, ``before`` or ``after``."""
    of_key = next(one for one in proof["keys"] if one["key"] == key)
    return [(part, found["count"], found["hash"]) for part, found in sorted(of_key[side].items())]
