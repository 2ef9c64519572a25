"""Finds by name who depends on what a contract declares: relationships, replicas, upcasters and consumers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from catalog.evolution.document import ContractDocument


@dataclass(frozen=True)
class FilteredConsumer:
    """A consumer of a running Tether. ``filter``: its query parameters of the feed."""

    name: str
    filter: dict[str, Any]

    def names(self) -> Iterator[tuple[str, str]]:
        """What its filter names: ``relationship``, ``kind``, ``replica`` or ``type``, and the name."""
        for what in ("relationship", "kind", "replica"):
            if name := self.filter.get(what):
                yield what, name
        yield from _compared(_expressions(self.filter.get("filters")))


def _expressions(filters: Any) -> Any:
    if not isinstance(filters, str):
        return filters or []
    try:
        return orjson.loads(filters)
    except orjson.JSONDecodeError:
        return []


def _compared(expression: Any) -> Iterator[tuple[str, str]]:
    """The attributes and values that the dialect ``exact`` compares, however deep; those under ``not`` left out."""
    if isinstance(expression, list):
        for one in expression:
            yield from _compared(one)
    elif isinstance(expression, dict):
        for dialect, inner in expression.items():
            if dialect == "exact" and isinstance(inner, dict):
                yield from ((name, value) for name, value in inner.items() if isinstance(value, str))
            elif dialect in ("all", "any"):
                yield from _compared(inner)


def _top(path: str) -> str:
    """The outermost field of a dotted path."""
    return path.partition(".")[0]


class Dependents:
    """Who depends on what, by an old and a new document together."""

    def __init__(self, documents: Iterable[ContractDocument], consumers: Iterable[FilteredConsumer] = ()) -> None:
        self._documents = tuple(documents)
        self._consumers = tuple(consumers)

    def of_type(self, type: str, kind: str, field: str = "") -> list[str]:
        """Who depends on a fact, or on a field of it alone: each as ``replica shopping_customer``, sorted."""
        return sorted({*self._declared(type, kind, field), *self._following(kind, field)})

    def _declared(self, type: str, kind: str, field: str) -> Iterator[str]:
        for one in self._documents:
            for relationship in one.relationships:
                if any(used.kind == kind and field in ("", _top(used.field)) for used in relationship.uses):
                    yield f"relationship {relationship.name}"
            for replica in one.replicas:
                if replica.of == kind and (not field or field in replica.fields):
                    yield f"replica {replica.name}"
            for upcaster in one.upcasters:
                if type in (upcaster.from_, upcaster.to):
                    yield f"upcaster {upcaster.from_} → {upcaster.to}"

    def _following(self, kind: str, field: str) -> Iterator[str]:
        links = {r.name for one in self._documents for r in one.relationships if kind in (r.parent, r.child)}
        linked = {r for r in links if not field or self._uses(r, kind, field)}
        copies = {r.name for d in self._documents for r in d.replicas if r.of == kind}
        copied = {c for c in copies if not field or self._copies(c, field)}
        wanted = {("kind", kind)} | {("relationship", r) for r in linked} | {("replica", c) for c in copied}
        for consumer in self._consumers:
            if wanted & set(consumer.names()):
                yield f"consumer {consumer.name}"

    def _uses(self, relationship: str, kind: str, field: str) -> bool:
        found = (u for d in self._documents for r in d.relationships if r.name == relationship for u in r.uses)
        return any((used.kind, _top(used.field)) == (kind, field) for used in found)

    def _copies(self, replica: str, field: str) -> bool:
        return any(field in r.fields for d in self._documents for r in d.replicas if r.name == replica)

    def of(self, what: str, name: str) -> list[str]:
        """The consumers whose filter names a relationship, kind, replica or type of the feed."""
        return sorted(f"consumer {one.name}" for one in self._consumers if (what, name) in set(one.names()))
