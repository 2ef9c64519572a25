"""Checks that the keys in the tables have the normal form that is declared for their kind."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import NamedTuple

from catalog.catalog import Catalog
from errors import BadDeclaration
from store.db.pool import Connection
from store.db.sql import fetch_rows

_PAGE = 10_000


class _TenantWithKeys(NamedTuple):
    tenant: str


class _StoredKey(NamedTuple):
    key: str


async def check(conn: Connection, catalog: Catalog, names: Collection[str], stored: Mapping[str, str]) -> None:
    """Checks kinds of which another normal form of keys is declared than the tables were written by.

    ``names``: their declarations, ``key user``; ``stored``: by what they were written. A form may be added where all
    keys have it; one that keys were written by stays. Raises BadDeclaration with the key and the mend.
    """
    for name in sorted(names):
        kind, former = name.removeprefix("key "), stored.get(name)
        form = catalog.contracts.key_forms.get(kind)
        for row in await fetch_rows(conn, _TenantWithKeys, "tenants"):
            async for key in _keys(conn, row.tenant, kind):
                if former is not None:
                    raise BadDeclaration(
                        f"the owner {catalog.contracts.owner_of[kind]!r}",
                        f"keys of {kind!r} were kept in the form {former}, and references follow from it",
                        f"Declare keys={{{kind!r}: …}} with that form again.",
                    )
                if form is not None and form.normal(key) != key:
                    raise BadDeclaration(
                        f"the owner {catalog.contracts.owner_of[kind]!r}",
                        f"the key of the {kind} {key!r} of tenant {row.tenant} does not have the form {form.value}",
                        "Declare the form before the first fact, or import the facts into an empty Tether.",
                    )


async def _keys(conn: Connection, tenant: str, kind: str) -> AsyncIterator[str]:
    """All keys of a kind that are in the tables, some several times."""
    for query in ("keys_of_entities", "keys_of_pairs", "keys_of_activity"):
        after = ""
        while rows := await fetch_rows(conn, _StoredKey, query, tenant=tenant, kind=kind, after=after, size=_PAGE):
            for row in rows:
                yield row.key
            after = rows[-1].key
