"""How facts of an older version are read as those of a newer one: by a small pure function beside their classes.

::

    @upcast(UserCreated, UserCreatedV2)
    def split_name(data: dict[str, Any]) -> dict[str, Any]:
        first, _, last = data["name"].partition(" ")
        return {"first_name": first, "last_name": last}

Data comes in as it was published and goes out in the newer shape. A field that the older fact says nothing of is left
out: what goes out is what the fact carries, and replaces older values. The ledger keeps what was published.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from types import FunctionType
from typing import Any, TypeAlias

from catalog.vocabulary import Fact

UpcastFunction: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Upcaster:
    """Reads facts of the class ``old`` as those of the class ``new``. ``function``: data → data."""

    old: type[Fact]
    new: type[Fact]
    function: UpcastFunction

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        return self.function(data)


def upcast(old: type[Fact], new: type[Fact]) -> Callable[[UpcastFunction], Upcaster]:
    """Declares that a function makes the data of a fact ``new`` of the data of a fact ``old``."""

    def declare(function: UpcastFunction) -> Upcaster:
        return Upcaster(old, new, function)

    return declare


def meaning(function: Callable[..., Any]) -> str:
    """Names what a declared function does: 16 hexadecimal digits of its source, and of that of the functions and plain
    values of its own module that it names. Comments of whole lines and empty lines have no part in it."""
    texts: dict[str, str] = {}
    _collect(function, texts)
    return blake2b("\n".join(texts[name] for name in sorted(texts)).encode(), digest_size=8).hexdigest()


def _collect(function: Callable[..., Any], texts: dict[str, str]) -> None:
    if not isinstance(function, FunctionType):
        texts[repr(function)] = ""
        return
    if function.__qualname__ in texts:
        return
    lines = inspect.getsource(function).splitlines()
    texts[function.__qualname__] = "\n".join(
        line for line in lines if line.strip() and not line.strip().startswith("#")
    )
    for name in _names(function):
        value = function.__globals__.get(name)
        if isinstance(value, Upcaster):
            value = value.function
        if isinstance(value, FunctionType) and value.__module__ == function.__module__:
            _collect(value, texts)
        elif isinstance(value, str | int | float | tuple | frozenset | dict | list):
            texts[name] = f"{name} = {value!r}"


def _names(function: FunctionType) -> list[str]:
    """The names that a function, and what is defined in it, looks up in its module."""
    found, codes = list[str](), [function.__code__]
    while codes:
        code = codes.pop()
        found += code.co_names
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
    return found
