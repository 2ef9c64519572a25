"""Owners of events and of teams who do things and tell of them: two services that know nothing of each other.

An owner has a small state of its own, does only what that allows, and numbers its facts by the entity's version.
"""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.support.events import Event
from tests.support.model_facts import say

EVENTS = ("A", "B", "C")
TEAMS = ("t", "u", "v")
VERBS = ("create", "create", "rename", "move", "move", "move", "delete")
"""What may be wished for: moves most of all. Events cannot be moved."""

Wish = tuple[str, str, str | None]
"""(whose key, verb, event to be created in or moved to; None: none)"""


@dataclass
class Entity:
    """What its owner knows of it: how often it was changed, and what it holds while it is there."""

    version: int = 0
    live: bool = False
    name: str = ""
    event: str | None = None
    """Of teams: the event in which it takes part."""


@dataclass
class Owners:
    """Both, and what they have told, in the order in which it happened."""

    events: dict[str, Entity] = field(default_factory=lambda: {key: Entity() for key in EVENTS})
    teams: dict[str, Entity] = field(default_factory=lambda: {key: Entity() for key in TEAMS})
    told: list[Event] = field(default_factory=list)

    def wish(self, key: str, verb: str, event: str | None) -> bool:
        """Somebody asks the owner of ``key`` for it; whether it was possible, and so was done and told."""
        kind, it = ("Event", self.events[key]) if key in self.events else ("Team", self.teams[key])
        impossible = it.live == (verb == "create") or (verb == "move" and (kind == "Event" or it.event == event))
        if impossible:
            return False
        it.version += 1
        if verb == "delete":
            it.live, it.name, it.event = False, "", None
            self.told.append(say(f"{kind}Deleted", key, it.version))
        elif verb == "move":
            it.event = event
            self.told.append(say("TeamMoved", key, it.version, event_id=event))
        else:
            self._named(kind, key, it, verb, event)
        return True

    def _named(self, kind: str, key: str, it: Entity, verb: str, event: str | None) -> None:
        it.name = f"{key}{it.version}"
        if verb == "rename":
            self.told.append(say(f"{kind}Renamed", key, it.version, name=it.name))
            return
        it.live = True
        if kind == "Team" and event is not None:
            it.event = event
            self.told.append(say("TeamCreated", key, it.version, name=it.name, event_id=event))
        else:
            self.told.append(say(f"{kind}Created", key, it.version, name=it.name))

    def links(self) -> dict[str, str]:
        """team → ``event state``, as whoever knew both owners would say."""
        return {key: f"{it.event} {self._bond(it.event)}" for key, it in self.teams.items() if it.event is not None}

    def _bond(self, event: str) -> str:
        it = self.events[event]
        if it.live:
            return "linked"
        return "broken" if it.version else "waiting"

    def names(self) -> dict[str, str | None]:
        """key → name of what is there; None: it was there once."""
        both = {**self.events, **self.teams}
        return {key: it.name if it.live else None for key, it in both.items() if it.version}


def lived(wishes: list[Wish]) -> Owners:
    """What came of these wishes, one after the other."""
    owners = Owners()
    for wish in wishes:
        owners.wish(*wish)
    return owners


def wishes() -> st.SearchStrategy[list[Wish]]:
    """Anything that somebody may ask for; what is impossible at the time does not happen."""
    key, event = st.sampled_from((*TEAMS, *EVENTS)), st.sampled_from((*EVENTS, None))
    wish = st.tuples(key, st.sampled_from(VERBS), event)
    # Left alone, lists are short, and nobody moves twice in a short one.
    return st.one_of(st.lists(wish, max_size=12), st.lists(wish, min_size=30, max_size=90))
