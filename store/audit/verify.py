"""Checks that the tables violate no invariant, and that they hold exactly what the ledger says."""

import asyncio
import gc
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog import catalog as catalogs
from catalog.catalog import Catalog
from config import Settings
from errors import Refused
from facts.identity import merging_types
from store.audit import activity, counts, fingerprint, rebuild
from store.audit.fingerprint import Fingerprint
from store.audit.rebuild import Comparison
from store.db.pool import Connection, Pool, connection, create_pool
from store.db.sql import bind, fetch_value, sql


@dataclass(frozen=True, slots=True)
class InvariantCheck:
    """One invariant: how many rows violate it, and an example; empty if there is none."""

    name: str
    count: int
    example: str


@dataclass(slots=True)
class TenantReport:
    """What was found of one tenant at one revision."""

    tenant: str
    revision: int
    tables: Fingerprint
    ledger: Fingerprint | None = None
    """None unless the ledger was folded."""
    checks: list[InvariantCheck] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """What is counted → number of rows, for information."""

    @property
    def violated(self) -> list[InvariantCheck]:
        """The invariants that do not hold."""
        return [check for check in self.checks if check.count]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The reports of all tenants that were checked."""

    tenants: list[TenantReport]

    @property
    def sound(self) -> bool:
        """Whether all invariants hold for all tenants."""
        return not any(tenant.violated for tenant in self.tenants)


def run(settings: Settings, rebuild: bool, out: Console) -> int:
    """Verifies all tenants and prints the reports. Returns the exit code: 0 if all invariants hold, else 1.

    ``rebuild``: folds the whole ledger and compares. Raises Refused if the database is not migrated, Unavailable if it
    does not answer.
    """
    return asyncio.run(_run(settings, rebuild, out))


async def _run(settings: Settings, rebuild: bool, out: Console) -> int:
    catalog = catalogs.load(settings.catalog)
    pool = await create_pool(settings.database_url, 2, name="tether verify")
    gc.disable()  # millions of rows in memory without cycles: searching them for some takes a third of the time
    try:
        report = await verify(pool, catalog, rebuild=rebuild)
    except asyncpg.UndefinedTableError as error:
        raise Refused(f"The database is not migrated ({error}). Run `tether migrate`.") from None
    finally:
        gc.enable()
        await pool.close()
    for tenant in report.tenants:
        _print(tenant, out)
    if not report.tenants:
        out.print("The ledger is empty: no tenant has recorded a fact.")
    return 0 if report.sound else 1


async def verify(pool: Pool, catalog: Catalog, tenant: str | None = None, rebuild: bool = False) -> AuditReport:
    """Checks one tenant, or all of them if it is None, each in one snapshot.

    ``rebuild``: folds the whole ledger and compares. Raises Unavailable if the database does not answer.
    """
    async with connection(pool) as conn:
        tenants = [tenant] if tenant is not None else [name for (name,) in await conn.fetch(sql("tenants"))]
        found = []
        for name in tenants:
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                await conn.execute(sql("verify_settings"))
                found.append(await _verify_tenant(conn, catalog, name, rebuild))
    return AuditReport(found)


async def _verify_tenant(conn: Connection, catalog: Catalog, tenant: str, whole: bool) -> TenantReport:
    revision = await fetch_value(conn, "revision", tenant=tenant)
    checks = await _check_invariants(conn, catalog, tenant)
    ledger = None
    if whole:
        comparison = Comparison()
        tables, ledger = await rebuild.compare(conn, catalog, tenant, revision, comparison)
        for difference in await activity.differences(conn, catalog, tenant, revision):
            comparison.add(difference)
        checks += _comparison_checks(comparison, tables == ledger)
    else:
        tables = await fingerprint.of_tables(conn, catalog, tenant, revision)
    return TenantReport(tenant, revision, tables, ledger, checks, await counts.of_tenant(conn, tenant))


async def _check_invariants(conn: Connection, catalog: Catalog, tenant: str) -> list[InvariantCheck]:
    declared = catalog.columns()
    names, parents, children = declared.names, declared.parent_kinds, declared.child_kinds
    lists = {"parent_lists": declared.parent_lists}
    waits = {
        **lists,
        "child_kinds": children,
        "requested": declared.requested,
        "parent_owners": declared.parent_owners,
        "child_owners": declared.child_owners,
    }
    cascades = catalog.columns(r for of_kind in catalog.sweeping.values() for r in of_kind)
    queries: list[tuple[str, str, dict[str, Any]]] = [
        ("revisions have no gap", "verify_revisions", {}),
        ("no row is beyond the newest revision", "verify_newest_revision", {}),
        ("entities have one version at a time", "verify_entity_versions", {}),
        ("links have one version at a time", "verify_link_versions", {}),
        ("merged keys lead straight to their survivor", "verify_aliases", {}),
        ("activity is there since its fact", "verify_activity_revisions", {}),
        ("each merge has a row", "verify_merges", {"types": merging_types(catalog)}),
        (
            "links are those of survivors",
            "verify_merged_links",
            {"relationships": names, "parent_kinds": parents, "child_kinds": children},
        ),
        (
            "links have a live child and a parent",
            "verify_link_ends",
            {"relationships": names, "parent_kinds": parents, "child_kinds": children, **lists},
        ),
        (
            "one-to-one links are ranked by creation",
            "verify_ranks",
            {
                "relationships": names,
                "parent_kinds": parents,
                "child_kinds": children,
                "exclusive": declared.exclusive,
            },
        ),
        (
            "children belong to the incarnation they were requested for",
            "verify_former_links",
            {"relationships": names, "parent_kinds": parents, "child_kinds": children},
        ),
        (
            "placeholders have a link",
            "verify_placeholders",
            {"relationships": names, "element_kinds": declared.element_kinds, **lists},
        ),
        (
            "exactly the incomplete instances wait",
            "verify_waits",
            {"relationships": names, "parent_kinds": parents, **waits},
        ),
        (
            "children of deleted parents have a cascade",
            "verify_cascades",
            {
                "relationships": cascades.names,
                "parent_kinds": cascades.parent_kinds,
                "child_kinds": cascades.child_kinds,
                "parent_lists": cascades.parent_lists,
            },
        ),
        ("declared relationships are backfilled", "verify_declarations", {"relationships": names}),
    ]
    found = []
    for name, query, values in queries:
        record = await conn.fetchrow(*bind(query, tenant=tenant, **values), timeout=fingerprint.TIMEOUT)
        assert record is not None  # aggregates always give a row
        count, example = record
        found.append(InvariantCheck(name, count, example or ""))
    return found


def _comparison_checks(comparison: Comparison, equal: bool) -> list[InvariantCheck]:
    """Returns the checks of a rebuild. ``equal``: whether the fingerprints are."""
    unread = ", ".join(f"{type} ({count})" for type, count in sorted(comparison.unread.items()))
    differences = comparison.differences or int(not equal)
    return [
        InvariantCheck("every fact has a contract", sum(comparison.unread.values()), unread),
        InvariantCheck("the tables hold what the facts say", differences, "\n".join(comparison.descriptions)),
    ]


def _print(report: TenantReport, out: Console) -> None:
    out.print(Text(f"{report.tenant}, revision {report.revision}", style="bold"))
    checks = _table("invariant", "violations", "example")
    for check in report.checks:
        # Examples hold keys, which come from outside: they are never read as markup.
        checks.add_row(check.name, str(check.count) if check.count else "-", Text(check.example or "-"))
    rows = _table("rows", "")
    for what, count in report.counts.items():
        rows.add_row(what, str(count))
    hashes = _table("SHA-256 of", "tables", *(() if report.ledger is None else ("rebuilt from the ledger",)))
    ledger = _hashes(report.ledger) if report.ledger is not None else {}
    for name, found in _hashes(report.tables).items():
        hashes.add_row(name, found, *(["equal" if ledger[name] == found else ledger[name]] if ledger else []))
    out.print(checks, rows, hashes, sep="\n")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _hashes(fingerprint: Fingerprint) -> dict[str, str]:
    whole = {"entities": fingerprint.entities, "links": fingerprint.links, "aliases": fingerprint.aliases}
    return {**whole, **fingerprint.relationships}
