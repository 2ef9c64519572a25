"""Named queries with named parameters, read from the ``.sql`` files beside the modules that call them.

A query in a ``.sql`` file starts with ``-- name: some_name`` and a comment of at least one sentence that says what it
does. Its parameters are written ``:tenant``, with a cast where PostgreSQL needs one (``:kinds::text[]``). ``:open``
is a constant: the ``to_revision`` of a row that is still valid.

Callers pass every parameter by its name, and get rows as instances of a class whose fields are the query's columns
(a dataclass or a NamedTuple)::

    class EntityState(NamedTuple):
        kind: str
        key: str
        state: str

    states = await fetch_rows(conn, EntityState, "states", tenant=tenant, kinds=kinds, keys=keys)
    state = await fetch_row(conn, EntityState, "state_of", tenant=tenant, kind=kind, key=key)  # None if there is no row
    revision = await fetch_value(conn, "revision", tenant=tenant)
    await execute(conn, "close_entities", tenant=tenant, revision=revision, kinds=kinds, keys=keys)

`bind` is for all else that takes a statement and its arguments: ``conn.cursor(*bind("ledger", tenant=tenant))``, or a
call with a ``timeout``.

The parameters are compiled to PostgreSQL's ``$1`` … ``$n`` once, when the files are read. Arrays of texts
(``:keys::text[]``) are sent as one text, PostgreSQL's array literal: for an array, asyncpg compares the type of each
element with abstract classes, which takes three times as long as all the rest.
``tests/store/db/test_sql.py`` prepares every query and compares parameters and columns with every call.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from store.db.pool import Connection

OPEN = 9223372036854775807
"""``to_revision`` of a version that is still valid: the greatest bigint."""

Row = TypeVar("Row")

_CONSTANTS = {"open": str(OPEN)}
_STORE = Path(__file__).parent.parent
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_TEXT_ARRAY = "::text::text[]"
_PARAMETER = re.compile(
    r"""
      '(?:[^']|'')*' | "(?:[^"]|"")*"                       # literals and quoted names,
    | --[^\n]* | /\*.*?\*/                                  # comments,
    | \$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$         # dollar-quoted literals
    | ::                                                    # and casts hold no parameters
    | \$(?P<position>\d+)
    | (?<!\w):(?P<name>[a-z_]\w*)(?P<array>::text\[\])?     # not the upper bound of a slice, as in a[low:high]
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Query:
    """One named query. ``text`` has positional parameters; ``parameters`` are their names in that order; ``arrays``:
    those that are arrays of texts."""

    name: str
    sentence: str
    text: str
    parameters: tuple[str, ...]
    arrays: frozenset[str]
    _order: Callable[[dict[str, Any]], tuple[Any, ...]] = field(repr=False)
    _pick: dict[type, Callable[[Any], Iterable[Any]]] = field(default_factory=dict, repr=False)

    def arguments(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the parameters. Raises TypeError if one is missing or unknown."""
        if len(values) == len(self.parameters):
            try:
                for name in self.arrays:
                    values[name] = array_literal(values[name])
                return self._order(values)
            except KeyError:
                pass
        raise TypeError(f"the query {self.name} takes {sorted(self.parameters)}, the call gives {sorted(values)}")

    def rows(self, row: type[Row], records: Sequence[Any]) -> list[Row]:
        """Makes instances of ``row`` from the columns named like its fields. Raises TypeError if they differ."""
        if not records:
            return []
        pick = self._pick.get(row)
        if pick is None:  # the first rows of this class: their columns are compared once
            columns, wanted = tuple(records[0].keys()), fields(row)
            if sorted(columns) != sorted(wanted):
                raise TypeError(f"the query {self.name} gives {columns}, {row.__name__} has {wanted}")
            pick = self._pick[row] = tuple if columns == wanted else itemgetter(*wanted)
        return [row(*pick(record)) for record in records]


def fields(row: type) -> tuple[str, ...]:
    """The names of the fields of a dataclass or NamedTuple, in the order in which its constructor takes them."""
    names: tuple[str, ...] = row.__match_args__  # type: ignore[attr-defined]  # both kinds of class have it
    return names


@cache
def queries() -> dict[str, Query]:
    """Every query by its name. Raises ValueError if two have the same name, or one has a parameter without a name."""
    found: dict[str, Query] = {}
    for file in sorted(_STORE.glob("*/*.sql")):
        parts = _NAME.split(file.read_text())
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"{file}: the query {name} exists already")
            found[name] = compile_query(name, text.strip())
    return found


def compile_query(name: str, text: str) -> Query:
    """Replaces ``:name`` by ``$1`` … ``$n`` in the order in which the names first occur, and ``:open`` by its value.

    Raises ValueError if a parameter is written ``$1``.
    """
    parameters: dict[str, int] = {}
    arrays = frozenset(found["name"] for found in _PARAMETER.finditer(text) if found["array"])

    def compiled(match: re.Match[str]) -> str:
        if match["position"] is not None:
            raise ValueError(f"the query {name} has the parameter {match[0]}; give it a name, such as :tenant")
        parameter = match["name"]
        if parameter is None:
            return match[0]
        if parameter in _CONSTANTS:
            return _CONSTANTS[parameter]
        cast = _TEXT_ARRAY if parameter in arrays else ""
        return f"${parameters.setdefault(parameter, len(parameters) + 1)}{cast}"

    text = _PARAMETER.sub(compiled, text)
    sentence = " ".join(line.removeprefix("--").strip() for line in _comment(text))
    return Query(name, sentence, text, tuple(parameters), arrays, _ordering(list(parameters)))


def array_literal(texts: Iterable[str | None] | None) -> str | None:
    """An array of texts as PostgreSQL writes it: ``{"one","the \\"other\\"",NULL}``."""
    if texts is None:
        return None
    texts = texts if isinstance(texts, list) else [*texts]
    if not texts:
        return "{}"
    try:
        joined = "".join(texts)  # type: ignore[arg-type]  # without null, as in most of them
    except TypeError:
        return "{" + ",".join(map(_element, texts)) + "}"
    if '"' in joined or "\\" in joined:
        return "{" + ",".join(map(_element, texts)) + "}"
    return '{"' + '","'.join(texts) + '"}'  # type: ignore[arg-type]


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _ordering(names: list[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Takes the values of these keys out of a dict, in this order; it runs at every call of a query."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)  # of one key, itemgetter gives the bare value


def _comment(text: str) -> Iterable[str]:
    return takewhile(lambda line: line.startswith("--"), text.splitlines())


def sql(name: str) -> str:
    """The text of one query without parameters."""
    return queries()[name].text


def bind(name: str, /, **values: Any) -> tuple[Any, ...]:
    """(text, argument, …) of one query: the first arguments of asyncpg's methods."""
    query = queries()[name]
    return query.text, *query.arguments(values)


async def fetch_rows(conn: Connection, row: type[Row], name: str, /, **values: Any) -> list[Row]:
    """All rows of a query, each as an instance of ``row``."""
    query = queries()[name]
    return query.rows(row, await conn.fetch(query.text, *query.arguments(values)))


async def fetch_row(conn: Connection, row: type[Row], name: str, /, **values: Any) -> Row | None:
    """The first row of a query as an instance of ``row``; None if there is none."""
    query = queries()[name]
    record = await conn.fetchrow(query.text, *query.arguments(values))
    return None if record is None else query.rows(row, (record,))[0]


def fetch_value(conn: Connection, name: str, /, **values: Any) -> Awaitable[Any]:
    """The first column of the first row of a query; None if there is no row."""
    query = queries()[name]
    return conn.fetchval(query.text, *query.arguments(values))


def execute(conn: Connection, name: str, /, **values: Any) -> Awaitable[str]:
    """Runs a query whose rows, if any, are not wanted. Gives PostgreSQL's command tag, such as ``UPDATE 3``."""
    query = queries()[name]
    return conn.execute(query.text, *query.arguments(values))
