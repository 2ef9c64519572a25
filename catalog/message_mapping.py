"""How one message of another system becomes facts, where its type does not say what happened: a field of it does.

::

    @maps("com.example.issues", to=(IssueOpened, IssueMoved))
    def issues(message: ForeignMessage) -> Iterator[MappedFact]:
        issue = message.data["issue"]
        if message.data["action"] == "opened":
            yield MappedFact(IssueOpened, issue["id"], {"title": issue["title"]})

The function is pure. It gives no fact, one, or several; those of one entity are in the order given, unless their
effects differ: created comes first, deleted last.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from catalog.vocabulary import Fact


class ForeignMessage(NamedTuple):
    """A message as it was received. ``subject``: of its envelope; ``data``: a JSON object."""

    type: str
    source: str
    id: str
    subject: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MappedFact:
    """A fact that a message says. ``key``: of its entity, a string or an integer; ``data``: as its class declares."""

    fact: type[Fact]
    key: str | int
    data: Mapping[str, Any] = field(default_factory=dict)


MapFunction: TypeAlias = Callable[[ForeignMessage], Iterable[MappedFact]]


@dataclass(frozen=True, slots=True)
class MessageMapping:
    """What messages of one type say. ``type``: the CloudEvents type; ``to``: the facts that it may give;
    ``owner``: of them, known once it is read from its module; ``where``: its file."""

    type: str
    to: tuple[builtins.type[Fact], ...]
    function: MapFunction
    owner: str = ""
    where: str = ""


def maps(type: str, *, to: Iterable[type[Fact]]) -> Callable[[MapFunction], MessageMapping]:
    """Declares that a function makes facts of the classes ``to`` of messages of a type."""

    def declare(function: MapFunction) -> MessageMapping:
        return MessageMapping(type, tuple(to), function)

    return declare
