"""Generates random histories of nodes and shadows, like ``tests/support/strategies.py``."""

from datetime import UTC, datetime, timedelta
from random import Random

from catalog.registry import OWN_SOURCE
from facts.correlation import encode
from tests.support.events import Event

_START = datetime(2013, 1, 1, tzinfo=UTC)
_KEYS = ("n0", "n1", "n2", "n3", "nowhere")


def node_history(seed: int, facts: int) -> list[Event]:
    """Returns ``facts`` facts about a few nodes and shadows, the same for the same seed; some are Tether's own."""
    random = Random(seed)
    return [_fact(random, number) for number in range(facts)]


def _fact(random: Random, number: int) -> Event:
    event: Event = {
        "specversion": "1.0",
        "id": f"y{number}",
        "source": "/yard",
        "sequence": str(random.randrange(9)),
        "time": (_START + timedelta(seconds=number)).isoformat(),  # between equal sequences, arrival must not decide
    }
    if random.random() < 0.15:
        return event | _own(random)
    if random.random() < 0.3:
        event |= {"subject": f"s{random.randrange(3)}", "type": "ShadowFaded.v1", "data": {}}
        if random.random() < 0.8:
            event["type"] = "ShadowCast.v1"
            event["correlationid"] = encode("shadow", random.choice(_KEYS))
        return event
    type = random.choice(("NodeAdded", "NodeAdded", "NodeChanged", "NodeChanged", "NodeRemoved"))
    data: Event = {}
    if type != "NodeRemoved":
        data = {name: random.choice((*_KEYS, None)) for name in ("up", "twin") if random.random() < 0.6}
        if random.random() < 0.2:
            data["mark"] = random.choice((1, 1.0, True, 0, -0.0, False))  # some are equal in Python only
    return event | {"subject": random.choice(_KEYS[:4]), "type": f"{type}.v1", "data": data}


def _own(random: Random) -> Event:
    relationship = random.choice(("tree", "again", "twin", "shadow"))
    child = f"s{random.randrange(3)}" if relationship == "shadow" else random.choice(_KEYS)
    data: Event = {"relationship": relationship}
    if random.random() < 0.7:
        data["parent"] = random.choice(_KEYS)
    return {
        "source": OWN_SOURCE,
        "type": "Linked.v1" if "parent" in data else "Unlinked.v1",
        "subject": child,
        "data": data,
    }
