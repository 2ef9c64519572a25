"""Items of the feed, as bodies of JSON without their revision's token."""

from typing import Any, NamedTuple

from store.read.link_state import bond as bond_of

Keys = tuple[str, str, str]
NOTHING: Keys = ("", "", "")
"""The keys before all others: no key is empty."""


class Item(NamedTuple):
    """One change. (revision, phase, keys) is its place in the feed, its own alone."""

    revision: int
    phase: int
    keys: Keys
    body: dict[str, Any]


def entity(row: Any) -> Item:
    """A version of an entity that began: what keeps its history, that is, and so is the same for every reader."""
    body = {
        "change": "entity",
        "kind": row["kind"],
        "key": row["key"],
        "state": row["state"],
        "data": row["data"] if row["state"] == "live" else {},
    }
    return Item(row["revision"], 0, (row["kind"], row["key"], ""), body)


def link(row: Any) -> Item:
    """A link that began or ended; ``left`` is the parent that the same child left for this one."""
    state = bond_of(row["state"]) if row["began"] else "closed"
    item = bond(1, row["revision"], row["relationship"], row["child"], row["parent"], state)
    if row["before"] not in (None, row["parent"]):
        item.body["left"] = row["before"]
    return item._replace(keys=(row["relationship"], row["child"], ""))


def turned(child: str, revision: int, relationship: str, parent: str, state: str) -> Item:
    """A link whose parent's state turned into this one."""
    return bond(3, revision, relationship, child, parent, bond_of(state))


def bond(phase: int, revision: int, relationship: str, child: str, parent: str, state: str) -> Item:
    """A link and its state."""
    body = {"change": "link", "relationship": relationship, "child": child, "parent": parent, "state": state}
    return Item(revision, phase, (relationship, parent, child), body)


def fact(row: Any) -> Item:
    """A fact of Tether's own, as a CloudEvent."""
    event = {
        "specversion": "1.0",
        "id": row["id"],
        "source": row["source"],
        "type": row["type"],
        "subject": row["key"],
        "time": row["time"],
        "sequence": row["sequence"],
        "correlationid": row["correlation"],
        "causationid": row["causation"],
        "traceparent": row["traceparent"],
        **(row["extensions"] or {}),
        "data": row["data"],
    }
    event = {name: value for name, value in event.items() if value is not None}
    return Item(row["revision"], 4, (row["id"], "", ""), {"change": "fact", "fact": event})
