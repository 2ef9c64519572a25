"""Simulates an owner of events and an owner of teams: two services that do not know each other.

Each owner has a small state of its own, does only what that allows, and numbers its facts by the entity's version.
"""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.support.events import Event, event

EVENTS = ("A", "B", "C")
TEAMS = ("t", "u", "v")
VERBS = ("create", "create", "rename", "move", "move", "move", "delete")
"""What owners are requested to do: mostly moves. Events cannot be moved."""

OwnerCall = tuple[str, str, str | None]
"""(key, verb, the event to create a team in or to move it to; None: none)"""


@dataclass
class SimulatedEntity:
    """The owner's state of one entity. ``version``: how often it was changed."""

    version: int = 0
    live: bool = False
    name: str = ""
    event: str | None = None
    """Of teams: the event in which it takes part."""


@dataclass
class SimulatedOwners:
    """Both owners, and the facts that they published, in the order in which they happened."""

    events: dict[str, SimulatedEntity] = field(default_factory=lambda: {key: SimulatedEntity() for key in EVENTS})
    teams: dict[str, SimulatedEntity] = field(default_factory=lambda: {key: SimulatedEntity() for key in TEAMS})
    published: list[Event] = field(default_factory=list)

    def call(self, key: str, verb: str, target: str | None) -> bool:
        """Does what is requested and publishes it, if the state of ``key`` allows it; returns whether it did."""
        kind, it = ("Event", self.events[key]) if key in self.events else ("Team", self.teams[key])
        impossible = it.live == (verb == "create") or (verb == "move" and (kind == "Event" or it.event == target))
        if impossible:
            return False
        it.version += 1
        if verb == "delete":
            it.live, it.name, it.event = False, "", None
            self.published.append(event(f"{kind}Deleted", key, it.version))
        elif verb == "move":
            it.event = target
            self.published.append(event("TeamMoved", key, it.version, event_id=target))
        else:
            self._create_or_rename(kind, key, it, verb, target)
        return True

    def _create_or_rename(self, kind: str, key: str, it: SimulatedEntity, verb: str, target: str | None) -> None:
        it.name = f"{key}{it.version}"
        if verb == "rename":
            self.published.append(event(f"{kind}Renamed", key, it.version, name=it.name))
            return
        it.live = True
        if kind == "Team" and target is not None:
            it.event = target
            self.published.append(event("TeamCreated", key, it.version, name=it.name, event_id=target))
        else:
            self.published.append(event(f"{kind}Created", key, it.version, name=it.name))

    def links(self) -> dict[str, str]:
        """Returns team → ``event state``, computed from the states of both owners."""
        return {
            key: f"{it.event} {self._link_state(it.event)}" for key, it in self.teams.items() if it.event is not None
        }

    def _link_state(self, event_key: str) -> str:
        it = self.events[event_key]
        if it.live:
            return "linked"
        return "broken" if it.version else "waiting"

    def names(self) -> dict[str, str | None]:
        """Returns key → name of every entity that was ever created; None: it is deleted."""
        both = {**self.events, **self.teams}
        return {key: it.name if it.live else None for key, it in both.items() if it.version}


def owners_after(calls: list[OwnerCall]) -> SimulatedOwners:
    """Returns new owners after these calls, one after the other."""
    owners = SimulatedOwners()
    for call in calls:
        owners.call(*call)
    return owners


def call_lists() -> st.SearchStrategy[list[OwnerCall]]:
    """Generates lists of calls; those that are impossible at their time have no effect."""
    key, target = st.sampled_from((*TEAMS, *EVENTS)), st.sampled_from((*EVENTS, None))
    call = st.tuples(key, st.sampled_from(VERBS), target)
    # By default, lists are short, and no team moves twice in a short one.
    return st.one_of(st.lists(call, max_size=12), st.lists(call, min_size=30, max_size=90))
