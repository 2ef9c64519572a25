"""API keys: 256 random bits, stored as their SHA-256, each with one scope in one tenant."""

import secrets
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from catalog.catalog import Catalog
from config import Settings
from errors import BadDeclaration, Conflict, Refused
from store.db.pool import Connection, Pool, connection, transaction
from store.db.sql import sql

SCOPES = ("read", "operate", "admin")
"""Besides ``publish:<owner>``. ``admin`` covers all others, ``operate`` covers ``read``."""


@dataclass(frozen=True)
class Principal:
    """Who asks: a credential's tenant, name and scope."""

    tenant: str
    name: str
    scope: str

    def may_read(self) -> bool:
        return self.scope in SCOPES

    def may_operate(self) -> bool:
        return self.scope in ("operate", "admin")

    def may_publish(self, owner: str | None) -> bool:
        """Whether it may tell facts of this owner; None: an owner nobody knows."""
        return self.scope == "admin" or (
            self.scope.startswith("publish:") and owner in (None, self.scope.removeprefix("publish:"))
        )


def digest(key: str) -> bytes:
    """What is stored of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


async def find(pool: Pool, key: str) -> Principal | None:
    """Whose key this is, if it is anyone's."""
    async with connection(pool) as conn:
        row = await conn.fetchrow(sql("find_credential"), digest(key))
    return Principal(row["tenant"], row["name"], row["scope"]) if row is not None else None


async def any_exist(pool: Pool) -> bool:
    """Whether anybody could be let in at all."""
    async with connection(pool) as conn:
        return bool(await conn.fetchval(sql("any_credential")))


async def tenants(pool: Pool) -> set[str]:
    """Everyone who has a key."""
    async with connection(pool) as conn:
        return {row["tenant"] for row in await conn.fetch(sql("all_credentials"))}


async def add(pool: Pool, tenant: str, name: str, scope: str) -> str:
    """Makes a key. Raises Conflict if one of that name is in force, Refused for a scope that does not exist."""
    async with transaction(pool) as conn:
        if await conn.fetchval(sql("credential_in_force"), tenant, name):
            raise Conflict(f"the tenant {tenant!r} has a key {name!r} in force; revoke it, or use another name")
        return await create(conn, tenant, name, scope)


async def every(pool: Pool) -> list[dict[str, object]]:
    """All that were ever made."""
    async with connection(pool) as conn:
        rows = await conn.fetch(sql("all_credentials"))
    return [
        {
            "name": r["name"],
            "scope": r["scope"],
            "tenant": r["tenant"],
            "made": r["created_at"].isoformat(),
            "revoked": r["revoked_at"].isoformat() if r["revoked_at"] is not None else None,
        }
        for r in rows
    ]


async def revoke(pool: Pool, tenant: str, name: str) -> int:
    """Refuses the keys of this name from now on; how many there were."""
    async with connection(pool) as conn:
        return len(await conn.fetch(sql("revoke_credentials"), tenant, name))


async def create(conn: Connection, tenant: str, name: str, scope: str, key: str | None = None) -> str:
    """Stores a credential, and returns its key: the only time it is seen."""
    if scope not in SCOPES and not (scope.startswith("publish:") and scope != "publish:"):
        raise Refused(f"no scope {scope!r}; use publish:<owner>, {', '.join(SCOPES)}")
    key = key or "tether_" + secrets.token_urlsafe(32)
    await conn.execute(sql("add_credential"), digest(key), tenant, name, scope)
    return key


async def provide(pool: Pool, catalog: Catalog, settings: Settings) -> None:
    """Makes the keys that the settings ask for: the admin's, and one of each scope in ``keys_file``."""
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
