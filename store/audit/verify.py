"""Whether the tables are sound, and whether they hold exactly what the ledger says."""

import asyncio
import gc
from dataclasses import dataclass, field

import asyncpg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from errors import Refused
from store.audit import fingerprint, rebuild
from store.audit.fingerprint import Fingerprint
from store.audit.rebuild import Comparison
from store.db.pool import Connection, Pool, connection, create_pool
from store.db.sql import sql


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: how often it is violated, and an example."""

    name: str
    count: int
    example: str


@dataclass(slots=True)
class Verified:
    """What was found of one tenant at one revision. ``told`` is None unless the ledger was folded."""

    tenant: str
    revision: int
    tables: Fingerprint
    told: Fingerprint | None = None
    checks: list[Check] = field(default_factory=list)
    rest: dict[str, int] = field(default_factory=dict)

    @property
    def violated(self) -> list[Check]:
        """The invariants that do not hold."""
        return [check for check in self.checks if check.count]


@dataclass(frozen=True, slots=True)
class Report:
    """Of all tenants that were looked at."""

    tenants: list[Verified]

    @property
    def sound(self) -> bool:
        """Whether everything holds."""
        return not any(verified.violated for verified in self.tenants)


def run(settings: Settings, rebuild: bool, out: Console) -> int:
    """Verifies all tenants and prints what it finds; 0 if all is well, else 1. Raises Refused, Unavailable."""
    return asyncio.run(_run(settings, rebuild, out))


async def _run(settings: Settings, rebuild: bool, out: Console) -> int:
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 2, name="tether verify")
    gc.disable()  # millions of rows in memory and no cycle among them: looking for some takes a third of the time
    try:
        report = await verify(pool, catalog, rebuild=rebuild)
    except asyncpg.UndefinedTableError as error:
        raise Refused(f"The database is not migrated ({error}). Run `tether migrate`.") from None
    finally:
        gc.enable()
        await pool.close()
    for verified in report.tenants:
        _print(verified, out)
    if not report.tenants:
        out.print("Nothing was ever recorded.")
    return 0 if report.sound else 1


async def verify(pool: Pool, catalog: Catalog, tenant: str | None = None, rebuild: bool = False) -> Report:
    """Looks at one tenant, or at all, each as of one moment. ``rebuild``: folds the whole ledger and compares.

    Raises Unavailable.
    """
    async with connection(pool) as conn:
        tenants = [tenant] if tenant is not None else [row["tenant"] for row in await conn.fetch(sql("tenants"))]
        found = []
        for name in tenants:
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                await conn.execute(sql("verify_settings"))
                found.append(await _tenant(conn, catalog, name, rebuild))
    return Report(found)


async def _tenant(conn: Connection, catalog: Catalog, tenant: str, whole: bool) -> Verified:
    revision = await conn.fetchval(sql("revision"), tenant) or 0
    checks = await _checks(conn, catalog, tenant)
    told = None
    if whole:
        compared = Comparison()
        tables, told = await rebuild.compare(conn, catalog, tenant, revision, compared)
        checks += _compared(compared, tables == told)
    else:
        tables = await fingerprint.of_tables(conn, catalog, tenant, revision)
    rest = {row["what"]: row["count"] for row in await conn.fetch(sql("verify_rest"), tenant)}
    return Verified(tenant, revision, tables, told, checks, rest)


async def _checks(conn: Connection, catalog: Catalog, tenant: str) -> list[Check]:
    rels = catalog.relationships.values()
    names, parents, children = [r.name for r in rels], [r.parent for r in rels], [r.child for r in rels]
    owners = [catalog.owner_of(kind) for kind in parents], [catalog.owner_of(kind) for kind in children]
    asked, exclusive = [r.requested is not None for r in rels], [r.exclusive for r in rels]
    sweeping = [r for found in catalog.sweeping.values() for r in found]
    swept = [r.name for r in sweeping], [r.parent for r in sweeping]
    queries: list[tuple[str, str, tuple[object, ...]]] = [
        ("revisions run without a gap", "verify_revisions", ()),
        ("nothing is beyond the newest revision", "verify_heads", ()),
        ("entities have one version at a time", "verify_entity_versions", ()),
        ("children have one parent at a time", "verify_link_versions", ()),
        ("links have a live child and a parent", "verify_ends", (names, parents, children)),
        ("one-to-one links are ranked by creation", "verify_ranks", (names, children, exclusive)),
        ("placeholders are referred to", "verify_placeholders", (names, parents)),
        ("exactly what lacks something waits", "verify_waits", (names, parents, asked, *owners)),
        ("somebody sees to the children of what is gone", "verify_cascades", swept),
        ("declarations are settled", "verify_declarations", (names,)),
    ]
    found = []
    for name, query, arguments in queries:
        row = await conn.fetchrow(sql(query), tenant, *arguments, timeout=fingerprint.PATIENCE)
        assert row is not None
        found.append(Check(name, row["count"], row["example"] or ""))
    return found


def _compared(compared: Comparison, equal: bool) -> list[Check]:
    unread = ", ".join(f"{type} ({count})" for type, count in sorted(compared.unread.items()))
    differences = compared.differences or int(not equal)
    return [
        Check("every fact has a contract", sum(compared.unread.values()), unread),
        Check("the tables hold what the facts say", differences, "\n".join(compared.words)),
    ]


def _print(verified: Verified, out: Console) -> None:
    out.print(Text(f"{verified.tenant}, revision {verified.revision}", style="bold"))
    checks = _table("holds", "violated", "for example")
    for check in verified.checks:
        # Keys are other people's text: never markup.
        checks.add_row(check.name, str(check.count) if check.count else "-", Text(check.example or "-"))
    rest = _table("at rest", "")
    for what, count in verified.rest.items():
        rest.add_row(what, str(count))
    hashes = _table("sha256 of", "tables", *(() if verified.told is None else ("ledger, folded anew",)))
    told = _hashes(verified.told) if verified.told is not None else {}
    for name, found in _hashes(verified.tables).items():
        hashes.add_row(name, found, *(["the same" if told[name] == found else told[name]] if told else []))
    out.print(checks, rest, hashes, sep="\n")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _hashes(of: Fingerprint) -> dict[str, str]:
    return {"entities": of.entities, "links": of.links, **of.relationships}
