"""Checks of feeds of activity at start-up. They raise BadDeclaration."""

from __future__ import annotations

from catalog.activity import Activity
from catalog.registry import JSON_KEYS, Contracts
from catalog.vocabulary import Fact
from errors import BadDeclaration


def check(fact: type[Fact], where: str) -> None:
    """Checks one class by itself, if it declares activity; ``where``: its file."""
    if not issubclass(fact, Activity):
        return
    name, about = fact.__name__, fact.activity_of
    if fact.effect is not None:
        raise BadDeclaration(
            where, f"{name} is activity and has an effect on its entity", "Derive it from Activity alone."
        )
    if about is None:
        raise BadDeclaration(
            where,
            f"{name} does not say which kind of entity it is about",
            f'Write class {name}(Activity, entity="…", of="…").',
        )
    found = fact.model_fields.get(about.field)
    if found is None:
        raise BadDeclaration(
            where,
            f"{name} has no field {about.field!r}, which holds the key of the {about.kind}",
            f'Add `{about.field}: str`, or name another field: via="…".',
        )
    shape = fact.model_json_schema(by_alias=False)["properties"][about.field]
    types = {part.get("type", "") for part in shape.get("anyOf", [shape])}
    if not types <= JSON_KEYS or not found.is_required():
        raise BadDeclaration(
            where,
            f"{about.field!r} of {name} need not hold a key, which is one string or one integer",
            f"Declare it as `{about.field}: str`, without null and without a default.",
        )


def check_together(contracts: Contracts) -> None:
    """Checks feeds against the facts of all owners."""
    feeds = contracts.feeds
    for contract in contracts.by_type.values():
        if contract.kind in feeds and contract.about is None:
            raise BadDeclaration(
                contract.where,
                f"{contract.name} is about {contract.kind!r}, which is a feed of activity and has no state",
                "Give the feed a kind of its own.",
            )
    for contract in contracts.activity.values():
        assert contract.about is not None
        if contract.about.kind not in contracts.owner_of.keys() - feeds:
            known = ", ".join(sorted(contracts.owner_of.keys() - feeds)) or "none"
            raise BadDeclaration(
                contract.where,
                f"{contract.name} is about {contract.about.kind!r}, which no contract declares as a kind of entity",
                f"Known: {known}.",
            )
