"""Pairs of keys that must never be merged: forbids them, allows them again, and lists them."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from catalog.catalog import Catalog
from errors import ForbiddenMerge, Unknown
from facts.identity import forbidden_pair
from facts.validation import check_text
from store.db.pool import Connection, Pool, transaction
from store.db.snapshot import Snapshot
from store.db.sql import fetch_row, fetch_rows
from store.operations import identity_entries, merge_checks
from store.operations.cluster_changes import preview_change
from store.write.settle import settle
from store.write.tenant_lock import lock


class ForbiddenRow(NamedTuple):
    """A forbidden pair, with the fact that forbids it. ``data``: the fact's; ``received``: when it was recorded."""

    one: str
    other: str
    source: str
    id: str
    data: dict[str, Any]
    received: datetime

    @property
    def reason(self) -> str:
        """Why, for people; empty: the fact does not say."""
        reason = self.data.get("reason")
        return reason if isinstance(reason, str) else ""


class _Forbidden(NamedTuple):
    forbidden: bool


async def forbid(
    pool: Pool, catalog: Catalog, tenant: str, kind: str, one: str, other: str, *, reason: str, actor: str
) -> int:
    """Forbids that two keys are merged, by whatever chain; returns the revision that shows it.

    A pair that is forbidden already stays so, with the first reason. Raises Unknown, Conflict for a kind that cannot be
    merged, and ForbiddenMerge if the two are merged now.
    """
    check_text((one, other, reason))
    merge_checks.check_kind(catalog, kind)
    pair = forbidden_pair(kind, one, other)
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        if await _is_forbidden(conn, tenant, kind, one, other):
            return locked.revision
        change = await preview_change(conn, catalog, tenant, kind, [one, other], forbidden=[(pair.one, pair.other)])
        if change.was(one) == change.was(other):
            path = next(iter(change.newly_set_aside.values()), [one, other])
            raise ForbiddenMerge(
                f"{kind} {one!r} and {other!r} are merged now, by way of {' – '.join(path)}; undo the merge of one of "
                f"these pairs first (POST /v1/merges/…/undo)",
                path,
            )
        entry = await identity_entries.of_forbidden(
            conn,
            tenant,
            kind,
            "MergeForbidden",
            one,
            other,
            now=locked.now,
            id=uuid4().hex,
            data={"reason": reason} if reason else {},
        )
        return (await settle(conn, catalog, tenant, [entry], actor)).revision


async def allow(
    pool: Pool, catalog: Catalog, tenant: str, kind: str, one: str, other: str, *, reason: str, actor: str
) -> int:
    """Allows that two keys are merged; returns the revision that shows it. Pairs that were set aside because of it are
    joined then. Raises Unknown if the pair is not forbidden."""
    check_text((one, other, reason))
    merge_checks.check_kind(catalog, kind)
    async with transaction(pool) as conn:
        locked = await lock(conn, tenant)
        if not await _is_forbidden(conn, tenant, kind, one, other):
            raise Unknown(f"{kind} {one!r} and {other!r} are not forbidden to be merged")
        entry = await identity_entries.of_forbidden(
            conn,
            tenant,
            kind,
            "MergeForbiddenLifted",
            one,
            other,
            now=locked.now,
            id=uuid4().hex,
            data={"reason": reason} if reason else {},
        )
        return (await settle(conn, catalog, tenant, [entry], actor)).revision


async def _is_forbidden(conn: Connection, tenant: str, kind: str, one: str, other: str) -> bool:
    pair = forbidden_pair(kind, one, other)
    row = await fetch_row(conn, _Forbidden, "is_forbidden", tenant=tenant, kind=kind, one=pair.one, other=pair.other)
    return row is not None and row.forbidden


async def page(at: Snapshot, kind: str, key: str | None, after: tuple[str, str], limit: int) -> list[ForbiddenRow]:
    """Up to ``limit`` forbidden pairs of a kind, by key. ``key``: only those with it; ``after``: the last pair of the
    page before."""
    place = {"after_one": after[0], "after_other": after[1], "size": limit}
    if key is None:
        return await fetch_rows(at.conn, ForbiddenRow, "forbidden_page", tenant=at.tenant, kind=kind, **place)
    return await fetch_rows(
        at.conn, ForbiddenRow, "forbidden_of_key_page", tenant=at.tenant, kind=kind, key=key, **place
    )
