"""Named queries: PostgreSQL can prepare each of them, and each call passes the parameters that its query takes."""

import ast
import asyncio
import importlib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import asyncpg
import pytest
from asyncpg import PostgresError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from store.db.pool import Pool
from store.db.sql import OPEN, bind, compile_query, fetch_row, fetch_rows, fetch_value, fields, queries
from tests.support.databases import Databases

ROOT = Path(__file__).parents[3]
BY_NAME = {"sql": 0, "bind": 0, "execute": 1, "fetch_value": 1, "fetch_row": 2, "fetch_rows": 2}
"""Function → position of the name of a query among its arguments."""


SPECIAL = ("", " ", "NULL", "null", '"', "\\", '\\"', ",", "{}", "{a,b}", "\n", "\t", "\x1f", "é", "𝔘", ":a", "$1")
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


class Call(NamedTuple):
    """A call of a query. ``place``: file and line. ``row``: the class of its rows, if the function takes one."""

    function: str
    place: str
    query: str
    parameters: list[str]
    row: type | None


def calls() -> Iterator[Call]:
    """Finds every call in the store that names its query by a literal."""
    for file in sorted((ROOT / "store").rglob("*.py")):
        place = file.relative_to(ROOT)
        module: ModuleType | None = None
        for node in ast.walk(ast.parse(file.read_bytes())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BY_NAME):
                continue
            at = BY_NAME[node.func.id]
            if len(node.args) != at + 1 or not isinstance(name := node.args[at], ast.Constant):
                continue
            if any(keyword.arg is None for keyword in node.keywords):
                continue  # **values: checked when it is called
            module = module or importlib.import_module(".".join(place.with_suffix("").parts))
            row = attrgetter(ast.unparse(node.args[1]))(module) if at == 2 else None
            names = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
            yield Call(node.func.id, f"{place}:{node.lineno}", str(name.value), names, row)


async def test_every_query_can_be_prepared(pool: Pool) -> None:
    wrong = {}
    async with pool.acquire() as conn:
        for name, query in queries().items():
            try:
                await conn.prepare(query.text)
            except PostgresError as error:
                wrong[name] = str(error)
    assert wrong == {}


def test_every_query_is_described_by_a_sentence() -> None:
    assert [name for name, query in queries().items() if not query.sentence.endswith(".")] == []


def test_every_query_is_called() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "store").rglob("*.py"))
    assert [name for name in queries() if f'"{name}"' not in source] == []


def test_only_queries_without_parameters_are_called_by_their_text() -> None:
    assert [call for call in calls() if call.function == "sql" and queries()[call.query].parameters] == []


def test_every_call_passes_the_parameters_of_its_query() -> None:
    wrong = {
        call.place: f"{call.query}({', '.join(call.parameters)})"
        for call in calls()
        if call.function != "sql" and sorted(call.parameters) != sorted(queries()[call.query].parameters)
    }
    assert wrong == {}


async def test_every_row_class_has_the_columns_of_its_query(pool: Pool) -> None:
    wrong = {}
    async with pool.acquire() as conn:
        for call in calls():
            if call.row is not None:
                statement = await conn.prepare(queries()[call.query].text)
                columns = [attribute.name for attribute in statement.get_attributes()]
                if sorted(columns) != sorted(fields(call.row)):
                    wrong[call.place] = f"{call.query} gives {columns}, {call.row.__name__} has {fields(call.row)}"
    assert wrong == {}


@pytest.mark.parametrize(
    ("written", "compiled", "parameters"),
    [
        ("select :b, :a, :b", "select $1, $2, $1", ("b", "a")),
        ("select :kinds::text[]", "select $1::text::text[]", ("kinds",)),
        ("select :b, :b::text[], :a", "select $1::text::text[], $1::text::text[], $2", ("b", "a")),
        ("select :open", f"select {OPEN}", ()),
        ("select ':a', 'it''s :a' || :b", "select ':a', 'it''s :a' || $1", ("b",)),
        ('select ":a" from t', 'select ":a" from t', ()),
        ("-- It's :a.\nselect :b /* :c */", "-- It's :a.\nselect $1 /* :c */", ("b",)),
        ("select $$:a$$, $x$ $$ :a $x$, :b", "select $$:a$$, $x$ $$ :a $x$, $1", ("b",)),
        ("select a[low:high], :a", "select a[low:high], $1", ("a",)),
    ],
)
def test_named_parameters_become_positional(written: str, compiled: str, parameters: tuple[str, ...]) -> None:
    query = compile_query("some", written)
    assert (query.text, query.parameters) == (compiled, parameters)


@given(arrays=st.lists(st.none() | st.lists(st.none() | st.sampled_from(SPECIAL) | TEXTS), max_size=50))
@hypothesis_settings(max_examples=10)
def test_an_array_of_texts_arrives_as_it_is(databases: Databases, arrays: list[list[str | None] | None]) -> None:
    query = compile_query("some", "select :texts::text[]")

    async def sent() -> list[list[str | None] | None]:
        conn = await asyncpg.connect(f"{databases.server}/postgres")
        try:
            return [await conn.fetchval(query.text, *query.arguments({"texts": texts})) for texts in arrays]
        finally:
            await conn.close()

    assert asyncio.run(sent()) == arrays


def test_a_parameter_without_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"the query some has the parameter \$1; give it a name"):
        compile_query("some", "select $1, :a")


@pytest.mark.parametrize("values", [{}, {"a": 1}, {"a": 1, "c": 2}, {"a": 1, "b": 2, "c": 3}])
def test_missing_and_unknown_arguments_are_errors(values: dict[str, Any]) -> None:
    query = compile_query("some", "select :b, :a")
    assert query.arguments({"a": 1, "b": 2}) == (2, 1)
    with pytest.raises(TypeError, match=r"the query some takes \['a', 'b'\], the call gives"):
        query.arguments(values)


class Pair(NamedTuple):
    """Two columns."""

    first: int
    second: str


class One(NamedTuple):
    """One column."""

    first: int


async def test_rows_are_made_from_columns_by_name(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "pairs": "select n || 'th' as second, n as first from generate_series(1, :last::int) n",
        "ones": "select n as first from generate_series(1, :last::int) n",
    }
    known = {name: compile_query(name, text) for name, text in texts.items()}
    monkeypatch.setattr("store.db.sql.queries", lambda: known)
    async with pool.acquire() as conn:
        assert await fetch_rows(conn, Pair, "pairs", last=2) == [Pair(1, "1th"), Pair(2, "2th")]
        assert await fetch_row(conn, Pair, "pairs", last=1) == Pair(1, "1th")
        assert await fetch_row(conn, Pair, "pairs", last=0) is None
        assert await fetch_rows(conn, One, "ones", last=2) == [One(1), One(2)]
        assert await fetch_value(conn, "ones", last=2) == 1
        assert await conn.fetchval(*bind("ones", last=2), timeout=5) == 1
        with pytest.raises(TypeError, match=r"the query pairs gives .* One has"):
            await fetch_rows(conn, One, "pairs", last=1)
