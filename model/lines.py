"""Writes the state as lines of text and hashes them: equal hashes, equal states.

Lines are UTF-8, sorted by bytes, each ended by a line feed when hashed. They contain neither revisions nor anything
that depends on the clock. ``set(these) ^ set(those)`` gives the differences of two states.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import orjson

from catalog.catalog import Catalog
from model.state import EntityKey, ModelEntity, ModelState


def entity_lines(state: ModelState) -> list[bytes]:
    """Returns ``entity|kind|key|state|data`` for each entity, the data as canonical JSON."""
    return sorted(_entity_line(entity, what) for entity, what in state.entities.items())


def link_lines(state: ModelState) -> list[bytes]:
    """Returns ``link|relationship|child|parent|state`` for each link."""
    return sorted(
        f"link|{name}|{child}|{link.parent}|{link.state}".encode() for (name, child, *_), link in state.links.items()
    )


def alias_lines(state: ModelState) -> list[bytes]:
    """Returns ``alias|kind|loser|survivor`` for each key that was merged."""
    return sorted(f"alias|{kind}|{loser}|{survivor}".encode() for (kind, loser), survivor in state.aliases.items())


def relationship_lines(catalog: Catalog, state: ModelState) -> dict[str, list[bytes]]:
    """Returns relationship → ``via|child|parent|state`` for each link, the form of expected answers in data sets.

    ``via`` is the child's field, or the one with a list; where the child is requested from its owner, it is the
    relationship's name.
    """
    lines: dict[str, list[bytes]] = {name: [] for name in catalog.relationships}
    via = {
        name: relationship.field or relationship.list_field or name
        for name, relationship in catalog.relationships.items()
    }
    for (name, child, *_), link in state.links.items():
        lines[name].append(f"{via[name]}|{child}|{link.parent}|{link.state}".encode())
    for of_one in lines.values():
        of_one.sort()
    return lines


def digest(lines: Iterable[bytes]) -> str:
    """Returns the SHA-256 of the lines in the order given, in hex."""
    sha256 = hashlib.sha256()
    for line in lines:
        sha256.update(line + b"\n")
    return sha256.hexdigest()


def link_counts(catalog: Catalog, state: ModelState) -> dict[str, dict[str, int]]:
    """Returns relationship → state → number of links, zeros included."""
    counts = {name: dict.fromkeys(("linked", "waiting", "broken", "conflict"), 0) for name in catalog.relationships}
    for (name, *_), link in state.links.items():
        counts[name][link.state] += 1
    return counts


def entity_counts(state: ModelState) -> dict[str, dict[str, int]]:
    """Returns kind → state → number of entities, without zeros."""
    counts: dict[str, dict[str, int]] = {}
    for (kind, name), count in Counter(_entity_states(state)).items():
        counts.setdefault(kind, {})[name] = count
    return counts


def _entity_states(state: ModelState) -> Iterator[tuple[str, str]]:
    return ((kind, what.state) for (kind, _), what in state.entities.items())


def _entity_line(entity: EntityKey, what: ModelEntity) -> bytes:
    kind, key = entity
    data = orjson.dumps({} if what.state == "merged" else what.data, option=orjson.OPT_SORT_KEYS)
    return f"entity|{kind}|{key}|{what.state}|".encode() + data
