"""Finds the declared name that a sender probably meant by one that is not declared."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from catalog.registry import Contract
from catalog.vocabulary import Fact

_LENGTH = 100
"""Characters of a name, at most: a longer one is hardly a slip, and comparing takes time."""
_NAMES = 20
"""Names of one fact that are looked at, at most."""
_ATTRIBUTES = ("subject", "time", "sequence", "correlationid", "causationid", "traceparent")
"""The optional attributes of an event that Tether reads; any other one is kept as it is."""
_SHORTEST = 3
"""Characters of a name that counts as a prefix of another, at least."""


def nearest(name: str, candidates: Iterable[str], *, likeness: float = 0.75) -> str | None:
    """Returns the candidate nearest to a name, None if none is near.

    Near is another spelling (``eventId``, ``event-id``), a prefix (``event`` for ``event_id``), or a text of at least
    this ``likeness``, from 0 to 1, as ``difflib`` measures it.
    """
    return _nearest(name, tuple(candidates), likeness) if len(name) <= _LENGTH else None


@lru_cache(maxsize=4096)
def _nearest(name: str, candidates: tuple[str, ...], likeness: float) -> str | None:
    plain = _plain(name)
    by_plain = {_plain(one): one for one in reversed(candidates)}
    if plain in by_plain:
        return by_plain[plain]
    for one in by_plain:
        short, long = sorted((plain, one), key=len)
        if len(short) >= _SHORTEST and long.startswith(short):
            return by_plain[one]
    close = difflib.get_close_matches(plain, by_plain, n=1, cutoff=likeness)
    return by_plain[close[0]] if close else None


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def misspelt_attributes(event: Mapping[str, Any], others: Iterable[str]) -> Iterator[str]:
    """A sentence for each of the ``others``, names of attributes that Tether does not read, while one that it reads
    and that is near to it is absent. ``event``: the attributes by name; one that is null is absent."""
    absent = tuple(name for name in _ATTRIBUTES if event.get(name) is None)
    for name in others if absent else ():
        meant = nearest(name, absent, likeness=0.85)
        if meant is not None:
            yield f"attribute {name!r} has no effect: is {meant!r} meant?"


class FieldNames:
    """The names that the data of one fact may have. Other names are allowed, and kept as they are."""

    def __init__(self, model: type[Fact]) -> None:
        names = {field.alias or name: field.is_required() for name, field in model.model_fields.items()}
        self._declared = names.keys()
        self._optional = [name for name, required in names.items() if not required]

    def misspelt(self, contract: Contract, data: dict[str, Any]) -> Iterable[str]:
        """A sentence for each name that is not declared while a declared, optional one near to it is absent."""
        return () if data.keys() <= self._declared else self._misspelt(contract, data)

    def _misspelt(self, contract: Contract, data: dict[str, Any]) -> Iterator[str]:
        absent = [name for name in self._optional if name not in data]
        for name in self._others(data) if absent else ():
            meant = nearest(name, absent)
            if meant is not None:
                yield f"{contract.wire_type} declares no field {name!r}: is {meant!r} meant?"

    def hint(self, missing: str, data: dict[str, Any]) -> str:
        """The end of the reason that a required field is missing: which name may be meant for it; empty if none."""
        given = nearest(missing, self._others(data))
        return "" if given is None else f"; is {given!r} meant for it?"

    def _others(self, data: dict[str, Any]) -> list[str]:
        return [name for name in list(data)[: _NAMES * 10] if name not in self._declared and len(name) <= _LENGTH][
            :_NAMES
        ]
