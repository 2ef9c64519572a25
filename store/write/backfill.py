"""Settles relationships that are declared anew over facts that are known already.

What a relationship's links depend on (kinds, ``via``, cardinality) may not change under its name: its links
were settled by it. Deadlines, announcements and the like may.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson

from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import KEEP, Relationship, as_key
from catalog.vocabulary import Effect
from errors import BadDeclaration
from facts import own_facts
from facts.correlation import decode
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import bind, sql
from store.write import waits
from store.write.diff import Changes, Closed, Opened, Turned
from store.write.entity_state import Register
from store.write.settle import lock, write

_PAGE = 1_000


async def settle_declarations(conn: Connection, catalog: Catalog) -> list[str]:
    """Links what is known by each relationship that is new; returns their names. Raises BadDeclaration.

    Where it is new that the children of what is gone are seen to, cascades begin for those that are gone already.
    """
    rows = await conn.fetch(sql("definitions"))
    known = {r["relationship"]: r["body"] for r in rows}
    policies = {r["relationship"]: r["policy"] for r in rows}
    new = []
    for name, relationship in catalog.relationships.items():
        body = _body(relationship)
        if name in known:
            if known[name] != body:
                raise BadDeclaration(
                    f"relationships: {name}",
                    f"was settled as {orjson.dumps(known[name]).decode()}, is now {orjson.dumps(body).decode()}",
                    "Give the changed relationship another name.",
                )
        else:
            for tenant in [r["tenant"] for r in await conn.fetch(sql("tenants"))]:
                await _settle(conn, catalog, tenant, relationship)
            await conn.execute(sql("add_definition"), name, orjson.dumps(body).decode())
            new.append(name)
        if policies.get(name, KEEP.name) != relationship.on_parent_deleted.name:
            for tenant in [r["tenant"] for r in await conn.fetch(sql("tenants"))]:
                await _see_to_children(conn, tenant, relationship)
            await conn.execute(sql("set_policy"), name, relationship.on_parent_deleted.name)
    return new


def _body(relationship: Relationship) -> dict[str, Any]:
    return {
        "parent": relationship.parent,
        "child": relationship.child,
        "via": relationship.field or "asked",
        "cardinality": relationship.cardinality.value,
    }


async def _see_to_children(conn: Connection, tenant: str, relationship: Relationship) -> None:
    """Cascades of what is gone already, if that is what its children need now."""
    if relationship.sweep is None:
        return
    after = ""
    kind = relationship.parent
    while rows := await conn.fetch(
        *bind("deleted_parents", tenant=tenant, kind=kind, after=after, inclusive=False, size=_PAGE)
    ):
        keys = [r["parent"] for r in rows]
        async with conn.transaction():
            head, _ = await lock(conn, tenant)
            of_each = [[value] * len(keys) for value in (OWN_SOURCE, f"{relationship.name}/policy", "PolicyChanged")]
            await conn.execute(
                sql("notify_cascades"),
                tenant,
                head,
                datetime.now(UTC),
                [relationship.parent] * len(keys),
                keys,
                *of_each,
                ["came"] * len(keys),
                [relationship.parent],
                [relationship.name],
            )
        after = keys[-1]


async def _settle(conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship) -> None:
    """Page by page, each under a revision of its own: begun again after a crash, it goes on where it was."""
    cause = own_facts.entry(
        "RelationshipDeclared",
        relationship.child,
        relationship.name,
        _body(relationship),
        id=relationship.name,
    )
    async for children in _pages(conn, tenant, relationship.child):
        async with conn.transaction():
            await _settle_children(conn, catalog, tenant, relationship, [r.key for r in children], cause)
    if relationship.requested is None:
        return
    alone = Catalog(catalog.contracts, {relationship.name: relationship})  # to others these parents are nothing new
    async for parents in _pages(conn, tenant, relationship.parent):
        async with conn.transaction():
            turned = [Turned(r, False, cause) for r in parents if r.state == "live"]
            await _write(conn, alone, tenant, Changes(turned=turned))


async def _settle_children(
    conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, keys: list[str], cause: Entry
) -> None:
    await lock(conn, tenant)
    kinds = [relationship.child] * len(keys)
    registers = [Register.of_row(r) for r in await conn.fetch(sql("registers"), tenant, kinds, keys)]
    if relationship.requested is not None:
        await _correlate(conn, catalog, tenant, relationship, {r.key: r for r in registers})
    names = [relationship.name] * len(keys)
    linked = {r["child"]: r["parent"] for r in await conn.fetch(sql("linked_children"), tenant, names, keys)}
    result = Changes(touched=registers if relationship.requested is not None else [])
    for register in registers:
        old, parent = linked.get(register.key), register.parent(relationship)
        if old == parent:
            continue
        if old is not None:  # settled meanwhile by someone who did not know of an older fact's correlation
            result.closed.append(Closed(relationship, register.key, old, cause))
        if parent is not None:
            result.opened.append(Opened(relationship, register.key, parent, register.rank(relationship), cause))
    await _write(conn, catalog, tenant, result)


async def _correlate(
    conn: Connection, catalog: Catalog, tenant: str, relationship: Relationship, registers: dict[str, Register]
) -> None:
    """References that were told by a correlation id, before anybody knew what it meant."""
    kinds = [relationship.child] * len(registers)
    for row in await conn.fetch(sql("correlated_facts"), tenant, kinds, list(registers)):
        contract, named = catalog.contracts.by_type.get(row["type"]), decode(row["correlation"])
        if contract is None or contract.effect is not Effect.CREATED or named is None:
            continue
        if named[0] != relationship.name or as_key(named[1]) is None:
            continue
        register = registers[row["key"]]
        known = register.refs.get(relationship.name, (b"", None))[0]
        if row["order_key"] > max(register.ended, known):
            register.refs = {**register.refs, relationship.name: (row["order_key"], named[1])}


async def _write(conn: Connection, catalog: Catalog, tenant: str, result: Changes) -> None:
    head, operating = await lock(conn, tenant)
    now = datetime.now(UTC)
    # Without a link nothing can be seen, and an intent of a revision that nobody can read would never be read.
    revision = head + 1 if result else head
    await write(conn, tenant, revision, now, result)
    await waits.follow(conn, catalog, tenant, revision, now, result, operating=operating)
    if result:
        await conn.execute(sql("open_revision"), tenant, revision, now, "declaration", 0)


async def _pages(conn: Connection, tenant: str, kind: str) -> AsyncIterator[list[Register]]:
    after = ""
    while rows := await conn.fetch(sql("registers_of_kind"), tenant, kind, after, _PAGE):
        yield [Register.of_row(r) for r in rows]
        after = rows[-1]["key"]
