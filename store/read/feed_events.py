"""The items of the feed as CloudEvents: in every representation of the feed, and wherever else an item is sent."""

from typing import Any

from catalog.registry import OWN_SOURCE
from facts import tokens
from facts.envelope import in_utc
from store.read import feed_offsets
from store.read.feed_items import FeedItem

CHANGED, DELETED = "EntityChanged", "EntityDeleted"
LINK_TYPES = {
    "linked": "Linked",
    "waiting": "Waiting",
    "broken": "Broken",
    "conflict": "Conflict",
    "closed": "Unlinked",
}
"""Types of a link's items, by its new state; of one with another parent than before: ``Moved``."""
OWN_TYPES = {"RelationshipOverdue": "Overdue", "Merged": "MergeRecorded", "Unmerged": "UnmergeRecorded"}
"""Types of facts that Tether published, where they differ from the name of the fact: keys that are merged have items of
their own."""


def event(tenant: str, item: FeedItem) -> dict[str, Any]:
    """Returns an item as a CloudEvent, JSON values and one datetime (``time``).

    ``id`` is the offset after it, and ``data`` what the item says, with the facts behind it. An item with ``method``
    ``DELETE`` says that there is no such entity, or link of the child, any more.
    """
    found = {
        "specversion": "1.0",
        "id": feed_offsets.encode(tenant, feed_offsets.position_after(item)),
        **attributes(item),
        "time": in_utc(item.time),
        "token": tokens.token(tenant, item.revision),
        "data": {**item.body, "facts": [_cause(fact) for fact in item.facts]} if item.cause else item.body,
    }
    return {name: value for name, value in found.items() if value is not None}


def attributes(item: FeedItem) -> dict[str, str | None]:
    """Returns the attributes of an item's event that filters can name (`feed_filters.ATTRIBUTES`)."""
    return {"source": OWN_SOURCE, **_particular(item), "actor": item.actor}


def _particular(item: FeedItem) -> dict[str, str | None]:
    body = item.body
    match body["change"]:
        case "link":
            return {
                "type": _type_of_link(body),
                "subject": item.subject or body["child"],
                "relationship": body["relationship"],
                "parent": body["parent"],
                "state": body["state"],
                "method": "DELETE" if body["state"] == "closed" else None,
                **_causing(item),
            }
        case "entity":
            gone = body["state"] != "live"
            return {
                "type": DELETED if gone else CHANGED,
                "subject": body["key"],
                "kind": body["kind"],
                "state": body["state"],
                "method": "DELETE" if gone else None,
                **_causing(item),
            }
        case "fact":
            return _of_fact(body["fact"])
        case "activity":
            recorded = body["state"] == "recorded"
            return {
                "type": "ActivityRecorded" if recorded else "ActivityVoided",
                "subject": body["key"],
                "kind": body["kind"],
                "feed": body["feed"],
                **_correlation(body["fact"]),
            }
        case _:
            return {
                "type": "Merged" if body["change"] == "merged" else "Unmerged",
                "subject": body["key"],
                "kind": body["kind"],
                **_causing(item),
            }


def _type_of_link(body: dict[str, Any]) -> str:
    if "previous_parent" in body:
        return "Moved"
    return "CompletedLate" if body.get("late") else LINK_TYPES[body["state"]]


def _of_fact(fact: dict[str, Any]) -> dict[str, str | None]:
    """Attributes of the item of a fact that Tether published: its type without the version."""
    name = fact["type"].rpartition(".")[0]
    return {
        "type": OWN_TYPES.get(name, name),
        "subject": fact["subject"],
        "kind": fact["data"].get("kind"),
        "relationship": fact["data"].get("relationship"),
        **_correlation(fact),
    }


def _correlation(fact: dict[str, Any]) -> dict[str, str | None]:
    return {"correlationid": fact.get("correlationid"), "causationid": fact.get("causationid")}


def _causing(item: FeedItem) -> dict[str, str | None]:
    """Correlation and causation of the last fact behind an item."""
    if not item.facts:
        return {}
    return {"correlationid": item.facts[-1].correlation, "causationid": item.facts[-1].causation}


def _cause(fact: Any) -> dict[str, str]:
    named = {
        "source": fact.source,
        "id": fact.id,
        "type": fact.type,
        "correlationid": fact.correlation,
        "causationid": fact.causation,
    }
    return {name: value for name, value in named.items() if value is not None}
