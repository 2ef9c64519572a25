"""API keys: 256 random bits, stored as their SHA-256, each with one scope in one tenant."""

import secrets
import stat
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import orjson

from catalog import limits
from catalog.catalog import Catalog
from config import Settings
from errors import BadDeclaration, Conflict, Refused
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import execute, fetch_row, fetch_rows, fetch_value

SCOPES = ("read", "operate", "admin")
"""Besides ``publish:<owner>`` and ``consume:<name of a consumer>``, which covers ``read``. ``admin`` covers all others,
``operate`` covers ``read`` and ``consume:…``."""


@dataclass(frozen=True)
class Principal:
    """The tenant, name and scope of the key that a request carries."""

    tenant: str
    name: str
    scope: str

    @property
    def publisher(self) -> str:
        """The owner whose facts it may publish; empty: those of any owner."""
        return self.scope.removeprefix("publish:") if self.scope.startswith("publish:") else ""

    def may_read(self) -> bool:
        return self.scope in SCOPES or self.scope.startswith("consume:")

    def may_operate(self) -> bool:
        return self.scope in ("operate", "admin")

    def may_consume(self, name: str) -> bool:
        """Whether it may acknowledge for this consumer, and take it over."""
        return self.may_operate() or self.scope == f"consume:{name}"

    def may_publish(self, owner: str | None) -> bool:
        """Whether it may publish facts of this owner; None: of an owner that is not declared."""
        return self.scope == "admin" or (
            self.scope.startswith("publish:") and owner in (None, self.scope.removeprefix("publish:"))
        )


class _Credential(NamedTuple):
    tenant: str
    name: str
    scope: str
    created_at: datetime
    revoked_at: datetime | None


class _Revoked(NamedTuple):
    name: str


def digest(key: str) -> bytes:
    """What the table holds of a key: its SHA-256."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


async def find(pool: Pool, key: str) -> Principal | None:
    """Finds the principal of a key; None if there is no such key, or it was revoked."""
    async with connection(pool) as conn:
        return await fetch_row(conn, Principal, "find_credential", digest=digest(key))


async def any_exist(pool: Pool) -> bool:
    """Whether any key is in force."""
    async with connection(pool) as conn:
        return bool(await fetch_value(conn, "any_credential"))


async def tenants(pool: Pool) -> set[str]:
    """The tenants that have, or had, a key."""
    async with connection(pool) as conn:
        return {row.tenant for row in await fetch_rows(conn, _Credential, "all_credentials")}


async def add(pool: Pool, tenant: str, name: str, scope: str) -> str:
    """Makes a key and returns it.

    Raises Conflict if one of that name is in force, Refused for an unknown scope and a name that is too long.
    """
    if reason := limits.excess("the key's name", name, limits.CREDENTIAL) or _tenant_excess(tenant):
        raise Refused(f"{reason}; use a shorter one")
    async with transaction(pool) as conn:
        if await fetch_value(conn, "credential_in_force", tenant=tenant, name=name):
            raise Conflict(f"the tenant {tenant!r} has a key {name!r} in force; revoke it, or use another name")
        return await create(conn, tenant, name, scope)


def _tenant_excess(tenant: str) -> str:
    """Says that a tenant's name is too long; empty if it is not."""
    return limits.excess("the tenant's name, percent-encoded,", quote(tenant, safe=""), limits.TENANT)


async def every(pool: Pool) -> list[dict[str, object]]:
    """Describes all keys that were ever made, without the keys themselves."""
    async with connection(pool) as conn:
        rows = await fetch_rows(conn, _Credential, "all_credentials")
    return [
        {
            "name": r.name,
            "scope": r.scope,
            "tenant": r.tenant,
            "made": r.created_at.isoformat(),
            "revoked": r.revoked_at.isoformat() if r.revoked_at is not None else None,
        }
        for r in rows
    ]


async def revoke(pool: Pool, tenant: str, name: str) -> int:
    """Revokes the keys of this name; returns how many there were."""
    async with connection(pool) as conn:
        return len(await fetch_rows(conn, _Revoked, "revoke_credentials", tenant=tenant, name=name))


async def create(conn: Connection, tenant: str, name: str, scope: str, key: str | None = None) -> str:
    """Stores a key and returns it; it cannot be read back later. Raises Refused for an unknown scope.

    ``key``: the key to store, such as one that the settings give; None: a new random one.
    """
    of, _, whose = scope.partition(":")
    if scope not in SCOPES and not (of in ("publish", "consume") and whose):
        raise Refused(f"no scope {scope!r}; use publish:<owner>, consume:<consumer>, {', '.join(SCOPES)}")
    key = key or "tether_" + secrets.token_urlsafe(32)
    await execute(conn, "add_credential", digest=digest(key), tenant=tenant, name=name, scope=scope)
    return key


async def provide(pool: Pool, catalog: Catalog, settings: Settings) -> None:
    """Makes the keys that the settings name: the admin's, and one of each scope in ``keys_file``.

    Raises BadDeclaration if the admin's key is too short, or the tenant is new and its name too long.
    """
    if (reason := _tenant_excess(settings.tenant)) and settings.tenant not in await tenants(pool):
        raise BadDeclaration("TETHER_TENANT", reason, "Use a shorter name.")
    async with connection(pool) as conn:
        if settings.admin_key:
            if len(settings.admin_key) < 32:
                raise BadDeclaration(
                    "TETHER_ADMIN_KEY", "is shorter than 32 characters", "Make one: openssl rand -base64 32"
                )
            await create(conn, settings.tenant, "admin", "admin", settings.admin_key)
        if settings.keys_file is not None:
            await _provide_file(conn, catalog, settings.tenant, settings.keys_file)


async def _provide_file(conn: Connection, catalog: Catalog, tenant: str, file: Path) -> None:
    known = orjson.loads(file.read_bytes())["keys"] if file.exists() else []
    keys = {k["scope"]: k["key"] for k in known if k["tenant"] == tenant}
    owners = sorted(set(catalog.contracts.owner_of.values()))
    for scope in [*SCOPES, *(f"publish:{owner}" for owner in owners)]:
        keys[scope] = await create(conn, tenant, scope, scope, keys.get(scope))
    rows = [{"tenant": tenant, "scope": scope, "key": key} for scope, key in keys.items()]
    rows += [k for k in known if k["tenant"] != tenant]
    file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    file.write_bytes(orjson.dumps({"keys": rows}, option=orjson.OPT_INDENT_2))
