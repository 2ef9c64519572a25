"""Refuses declarations by which Tether could send requests without end. They raise BadDeclaration.

A cascade alone always ends, whatever its kinds and whatever circles are in the data: each request ends a life, and no
life ends twice. Only what requests new lives can go on for ever; docs/decisions/0025-trees.md shows that these are all
the ways.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.relationship import Cascade, Relationship, Through
from errors import BadDeclaration


@dataclass(frozen=True, slots=True)
class _FilledCascade:
    """A cascade that deletes children which Tether itself has requested into it.

    ``request``: the relationship that requests them; it is the cascade itself where a requested child is deleted with
    its parent. Otherwise the request gives the child the field of the cascade, from ``source``.
    """

    cascade: Relationship
    request: Relationship
    source: str | Through | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.cascade.name,) if self.request is self.cascade else (self.cascade.name, self.request.name)


def check(relationships: Mapping[str, Relationship], where: Mapping[str, str]) -> None:
    """Checks how requests and cascades of all relationships follow from each other; ``where``: name → file."""
    order = list(relationships)

    def refuse(path: Sequence[str], problem: str, mend: str) -> BadDeclaration:
        newest = max(path, key=order.index)
        return BadDeclaration(where[newest], f"{problem}: {' → '.join((*path, path[0]))}", mend)

    requesting = [rel for rel in relationships.values() if rel.requested is not None]
    if cycle := _cycle([(rel.parent, rel.child, (rel.name,)) for rel in requesting]):
        raise refuse(cycle, "counterparts requested in a cycle", "Let one of them use a field.")
    filled = list(_filled(relationships))
    for each in filled:
        if each.source is not None and not _leads_to_live_parent(each, relationships):
            raise refuse(each.names, "deletions and requests in a cycle", _mend_of_source(each))
    if cycle := _cycle([(each.cascade.parent, each.cascade.child, each.names) for each in filled]):
        cascades = " or ".join(dict.fromkeys(each.cascade.name for each in filled if each.cascade.name in cycle))
        mend = f"Let {cascades} KEEP, or leave its field out of the request."
        raise refuse(cycle, "deletions and requests in a cycle", mend)


def _filled(relationships: Mapping[str, Relationship]) -> Iterator[_FilledCascade]:
    """Yields the cascades into which Tether requests children, once for each relationship that requests them.

    The field of a command is taken to become the child's field of the same name.
    """
    for cascade in relationships.values():
        if not isinstance(cascade.on_parent_deleted, Cascade):
            continue
        if cascade.requested is not None:
            yield _FilledCascade(cascade, cascade)
        for request in relationships.values():
            if request.requested is not None and request.child == cascade.child and cascade.parameter is not None:
                source = request.requested.fields.get(cascade.parameter)
                if source is not None:
                    yield _FilledCascade(cascade, request, source)


def _leads_to_live_parent(filled: _FilledCascade, relationships: Mapping[str, Relationship]) -> bool:
    """Whether the request names a parent that is live when it is sent: links hold, so what a path reaches is. A field
    of the requesting entity may name a deleted parent for ever."""
    path = filled.source
    return isinstance(path, Through) and relationships[path.down].child == filled.cascade.parent


def _mend_of_source(filled: _FilledCascade) -> str:
    cascade, request = filled.cascade, filled.request
    return (
        f"{request.name} would request a {cascade.child} of a deleted {cascade.parent} again and again. Let "
        f"{cascade.name} KEEP, or take {cascade.field} Through relationships that lead to a {cascade.parent}."
    )


def _cycle(edges: Sequence[tuple[str, str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Returns the names along a path that leads from a kind back to itself; empty if there is none.

    ``edges``: (kind, kind that follows, names of the relationships).
    """
    done: set[str] = set()

    def visit(kind: str, path: list[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
        kinds = [of for of, _ in path]
        if kind in kinds:
            return tuple(name for _, names in path[kinds.index(kind) :] for name in names)
        if kind not in done:
            for of, follows, names in edges:
                if of == kind and (found := visit(follows, [*path, (of, names)])):
                    return found
            done.add(kind)
        return ()

    for kind, _, _ in edges:
        if found := visit(kind, []):
            return found
    return ()
