"""The state as lines of text and their hash: equal hashes, equal states.

Lines are UTF-8, sorted by bytes, each ended by a line feed when hashed; neither revisions nor the clock
are in them. ``set(these) ^ set(those)`` says where two states differ.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import orjson

from catalog.catalog import Catalog
from model.state import EntityKey, EntityState, State


def entity_lines(state: State) -> list[bytes]:
    """``entity|kind|key|state|data``, the data as canonical JSON."""
    return sorted(_entity_line(entity, what) for entity, what in state.entities.items())


def link_lines(state: State) -> list[bytes]:
    """``link|relationship|child|parent|state``."""
    return sorted(
        f"link|{name}|{child}|{link.parent}|{link.state}".encode() for (name, child), link in state.links.items()
    )


def relationship_lines(catalog: Catalog, state: State) -> dict[str, list[bytes]]:
    """relationship → ``via|child|parent|state``, the form in which data sets give their answers.

    ``via`` is the child's field; where the child is asked for, it is the relationship's name.
    """
    lines: dict[str, list[bytes]] = {name: [] for name in catalog.relationships}
    via = {name: relationship.field or name for name, relationship in catalog.relationships.items()}
    for (name, child), link in state.links.items():
        lines[name].append(f"{via[name]}|{child}|{link.parent}|{link.state}".encode())
    for of_one in lines.values():
        of_one.sort()
    return lines


def digest(lines: Iterable[bytes]) -> str:
    """SHA-256 over the lines in the order given, in hex."""
    sha256 = hashlib.sha256()
    for line in lines:
        sha256.update(line + b"\n")
    return sha256.hexdigest()


def link_counts(catalog: Catalog, state: State) -> dict[str, dict[str, int]]:
    """relationship → how many links are linked, waiting, broken and in conflict; zeros included."""
    counts = {name: dict.fromkeys(("linked", "waiting", "broken", "conflict"), 0) for name in catalog.relationships}
    for (name, _), link in state.links.items():
        counts[name][link.state] += 1
    return counts


def entity_counts(state: State) -> dict[str, dict[str, int]]:
    """kind → how many entities are unknown, live and deleted; what does not occur is left out."""
    counts: dict[str, dict[str, int]] = {}
    for (kind, life), count in Counter(_lives(state)).items():
        counts.setdefault(kind, {})[life] = count
    return counts


def _lives(state: State) -> Iterator[tuple[str, str]]:
    return ((kind, what.state) for (kind, _), what in state.entities.items())


def _entity_line(entity: EntityKey, what: EntityState) -> bytes:
    kind, key = entity
    data = orjson.dumps(what.data, option=orjson.OPT_SORT_KEYS)
    return f"entity|{kind}|{key}|{what.state}|".encode() + data
