"""The newest fact about each element of each list that facts add elements to, or remove them from: a register for each.

A fact about one element reads and writes one row here, however long the list is.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows

ListKey: TypeAlias = tuple[str, str]
"""(relationship, key of the entity that has the list)."""


class ElementRegister(NamedTuple):
    """What the newest fact about an element says: whether it is in the list. ``order``: the order key of that fact."""

    order: bytes
    added: bool


Registers: TypeAlias = dict[ListKey, dict[str, ElementRegister]]
"""List → element → its register."""


class _ElementRow(NamedTuple):
    relationship: str
    key: str
    element: str
    order_key: bytes
    added: bool


class ElementKey(NamedTuple):
    """One element of a list."""

    relationship: str
    key: str
    element: str


def fold(facts: Iterable[Entry]) -> Registers:
    """The newest of these facts about each element. ``facts``: none of them void."""
    found: Registers = {}
    for fact in facts:
        for change in fact.elements:
            of_list = found.setdefault((change.relationship, fact.key), {})
            known = of_list.get(change.element)
            if known is None or fact.order > known.order:
                of_list[change.element] = ElementRegister(fact.order, change.added)
    return found


async def record(conn: Connection, tenant: str, facts: Iterable[Entry]) -> list[ElementKey]:
    """Joins new facts to the registers; returns the elements of which one of them is the newest now."""
    columns = _columns(tenant, fold(facts))
    return await fetch_rows(conn, ElementKey, "join_element_facts", **columns) if columns["elements"] else []


async def replace(conn: Connection, tenant: str, lists: Collection[ListKey], registers: Registers) -> None:
    """Makes these the only registers of lists whose facts were voided, or have another order now."""
    if not lists:
        return
    relationships, keys = [name for name, _ in lists], [key for _, key in lists]
    await execute(conn, "forget_element_facts", tenant=tenant, relationships=relationships, keys=keys)
    columns = _columns(tenant, registers)
    if columns["elements"]:
        await fetch_rows(conn, ElementKey, "join_element_facts", **columns)


async def read(conn: Connection, tenant: str, lists: Collection[ListKey]) -> Registers:
    """The registers of these lists, of those that have any."""
    found: Registers = {}
    if not lists:
        return found
    relationships, keys = [name for name, _ in lists], [key for _, key in lists]
    rows = await fetch_rows(
        conn, _ElementRow, "element_facts_of", tenant=tenant, relationships=relationships, keys=keys
    )
    for row in rows:
        found.setdefault((row.relationship, row.key), {})[row.element] = ElementRegister(row.order_key, row.added)
    return found


async def read_elements(conn: Connection, tenant: str, elements: Collection[ElementKey]) -> Registers:
    """The registers of these elements, of those that have one."""
    found: Registers = {}
    if not elements:
        return found
    relationships, keys, names = (list(column) for column in zip(*elements, strict=True))
    rows = await fetch_rows(
        conn,
        _ElementRow,
        "element_facts_about",
        tenant=tenant,
        relationships=relationships,
        keys=keys,
        elements=names,
    )
    for row in rows:
        found.setdefault((row.relationship, row.key), {})[row.element] = ElementRegister(row.order_key, row.added)
    return found


def _columns(tenant: str, registers: Mapping[ListKey, Mapping[str, ElementRegister]]) -> dict[str, str | list[object]]:
    rows = [(*at, element, *register) for at, of_list in registers.items() for element, register in of_list.items()]
    names = ("relationships", "keys", "elements", "order_keys", "added")
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    return {"tenant": tenant, **dict(zip(names, columns, strict=True))}
