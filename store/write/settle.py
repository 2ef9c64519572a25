"""Settles facts: ledger, entities, links, waits and outbox in one transaction, under one new revision.

The tenant's revision row is locked first, by a statement of its own: from then on no other transaction writes for this
tenant, and every later statement sees all that was committed before. So revisions have no gaps, and their order is the
order of the commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from catalog import limits
from catalog.catalog import Catalog
from facts import message_facts
from facts.envelope import Entry, finer_nanoseconds, moment
from facts.order_key import at_position
from facts.own_facts import VOIDED
from store.db.pool import Connection
from store.db.sql import OPEN, execute, fetch_rows
from store.write import activity, arrivals, former_links, link_rows, lists, merges, outbox, overlay, refold, waits
from store.write.arrivals import TIME_TOLERANCE, Arrivals, FactKey
from store.write.context import WriteContext
from store.write.diff import Diff, EntityKey, compute_diff
from store.write.entity_state import FoldedEntity, find_entities
from store.write.merge_pairs import is_about_identity
from store.write.tenant_lock import LockedTenant, lock

FACTS = """tenant revision position received source id type kind key sequence order_key time time_nanoseconds data
    correlation causation traceparent extensions digest published"""
ENTITIES = """tenant from_revision to_revision kind key state sequence data latest created ended incarnation
    older refs"""
ALIASES = "tenant from_revision to_revision kind key survivor"


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of a batch. ``new``: facts that were not in the ledger; ``known``: digests of those that were, of
    which some may be void if ``voids``.

    ``refused``: facts that are not recorded, with the reason. ``arrivals``: what is known about the new ones.
    """

    revision: int
    new: set[FactKey] = field(default_factory=set)
    known: dict[FactKey, bytes] = field(default_factory=dict)
    refused: dict[FactKey, str] = field(default_factory=dict)
    arrivals: Arrivals = field(default_factory=Arrivals)
    voids: bool = False


class _Digest(NamedTuple):
    source: str
    id: str
    digest: bytes


async def settle(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    entries: Sequence[Entry],
    actor: str,
    *,
    tolerance: timedelta = TIME_TOLERANCE,
) -> Settled:
    """Writes facts and all that follows from them, within the caller's transaction.

    ``entries``: validated facts, no two with the same (source, id). ``actor``: who sent them, for the table of
    revisions. ``tolerance``: how far in the future the time of a fact may be that has no sequence. Raises Unacceptable
    if they make an entity too large, and Unavailable if the tables were folded by another declaration of restarts than
    that of this process.
    """
    locked = await lock(conn, tenant)
    refold.check_declared(catalog, locked)
    known = await _digests(conn, tenant, entries)
    unknown = _unknown(entries, known) if known else entries
    refused = arrivals.too_far_ahead(unknown, locked.now, tolerance, catalog)
    if refused:
        unknown = [e for e in unknown if (e.source, e.id) not in refused]
    if not unknown:
        return Settled(locked.revision, known=known, refused=refused, voids=locked.voids)
    fresh = [e.with_order(at_position(e.order, n)) for n, e in enumerate(unknown, locked.facts + 1)]
    stored = await _stored(conn, catalog, tenant, fresh)
    histories = await refold.find(conn, catalog, tenant, stored, fresh)
    fresh = list(histories.fresh)
    diff = compute_diff(catalog, stored, fresh, histories.facts)
    merging = locked.merges or (
        catalog.contracts.merging and any(e.effect is None and is_about_identity(catalog, e) for e in fresh)
    )
    await _mark(conn, tenant, locked, fresh, merging=bool(merging))
    overlaid = await overlay.lay(conn, catalog, tenant, diff, fresh) if merging else None
    if catalog.listing:
        await lists.lay(conn, catalog, tenant, diff, fresh, histories.facts, overlaid)
    await former_links.mark(conn, catalog, tenant, diff, fresh)
    revision = locked.revision + 1 if diff else locked.revision
    context = WriteContext(conn, catalog, tenant, revision, locked.now, locked.open_operations)
    await refold.renumber(conn, tenant, histories.renumbered)
    await refold.renumber_operations(conn, catalog, tenant, histories.renumbered.values())
    await append(context, fresh, locked.facts + 1)
    await refold.forget_void(conn, catalog, tenant, histories.void)
    if catalog.contracts.activity:
        await activity.record(context, fresh, locked.facts + 1)
    await write(context, diff)
    if context.open_operations:
        await outbox.confirm_operations(context, fresh)
    if catalog.contracts.merging:
        await merges.note(context, diff.merges)
        await outbox.notify_merges(context, fresh)
    if diff or diff.recreated or diff.answers:
        await waits.update(context, diff)
    if diff:
        await open_revision(context, actor, facts=len(fresh))
    else:
        await execute(conn, "count_facts", tenant=tenant, facts=len(fresh))
    return Settled(
        revision,
        {(e.source, e.id) for e in fresh},
        known,
        refused,
        arrivals.describe(diff.late, diff.jumps, diff.unseen, catalog.restarting),
        locked.voids,
    )


async def _mark(conn: Connection, tenant: str, locked: LockedTenant, fresh: Sequence[Entry], *, merging: bool) -> None:
    """Remembers, from the first of them on, that the tenant has facts that need a look in every later batch."""
    if merging and not locked.merges:
        await execute(conn, "mark_merging", tenant=tenant)
    if not locked.voids and any(e.effect is None and e.name == VOIDED for e in fresh):
        await execute(conn, "mark_voiding", tenant=tenant)


async def write_difference(
    conn: Connection,
    catalog: Catalog,
    tenant: str,
    locked: LockedTenant,
    diff: Diff,
    actor: str,
    histories: Mapping[EntityKey, Sequence[Entry]] | None = None,
) -> None:
    """Writes a difference that no new fact makes, and what follows from it, within the caller's transaction.

    ``locked``: the tenant, whose lock the transaction holds; ``diff``: the difference; ``actor``: for the table of
    revisions; ``histories``: the facts of entities whose facts have another order now. Without a visible difference no
    revision begins: an outbox row of one that never comes is never read.
    """
    overlaid = await overlay.lay(conn, catalog, tenant, diff, ()) if locked.merges else None
    if catalog.listing:
        await lists.lay(conn, catalog, tenant, diff, (), histories or {}, overlaid)
    await former_links.mark(conn, catalog, tenant, diff, ())
    revision = locked.revision + 1 if diff else locked.revision
    context = WriteContext(conn, catalog, tenant, revision, locked.now, locked.open_operations)
    await write(context, diff)
    await waits.update(context, diff)
    await execute(conn, "mark_meaning", tenant=tenant, revision=revision)
    if diff:
        await open_revision(context, actor, facts=0)


async def open_revision(context: WriteContext, actor: str, *, facts: int) -> None:
    """Makes the revision of this transaction the current one. ``facts``: how many facts it has."""
    await execute(
        context.conn,
        "open_revision",
        tenant=context.tenant,
        revision=context.revision,
        now=context.now,
        actor=actor,
        facts=facts,
    )


async def _digests(conn: Connection, tenant: str, entries: Sequence[Entry]) -> dict[FactKey, bytes]:
    """Digests of the facts that are in the ledger already; no other transaction can add one while the lock is held."""
    sources, ids = [e.source for e in entries], [e.id for e in entries]
    rows = await fetch_rows(conn, _Digest, "digests", tenant=tenant, sources=sources, ids=ids)
    return {(row.source, row.id): row.digest for row in rows}


def _unknown(entries: Sequence[Entry], known: Mapping[FactKey, bytes]) -> list[Entry]:
    """The entries that are not in the ledger. The facts of a message are known if the first is, also where its mapping
    gives others now."""
    return [
        e for e in entries if (e.source, e.id) not in known and (e.part == 1 or message_facts.first_of(e) not in known)
    ]


async def _stored(
    conn: Connection, catalog: Catalog, tenant: str, entries: Sequence[Entry]
) -> dict[EntityKey, FoldedEntity]:
    """The current entities that facts are folded into, or that may order them: activity, for one, is folded into
    none."""
    again = catalog.restarting
    wanted = {
        (e.kind, e.key)
        for e in entries
        if e.effect is not None or e.names or e.name == VOIDED or (e.elements and e.kind in again)
    }
    entities = await find_entities(conn, tenant, wanted) if wanted else []
    return {(entity.kind, entity.key): entity for entity in entities}


async def append(context: WriteContext, entries: Sequence[Entry], position: int) -> None:
    """Appends facts to the ledger. ``position``: that of the first."""
    rows = (
        (
            context.tenant,
            context.revision,
            n,
            context.now,
            e.source,
            e.id,
            e.type,
            e.kind,
            e.key,
            e.sequence,
            e.order,
            moment(e.time),
            finer_nanoseconds(e.time),
            e.body,
            e.correlation,
            e.causation,
            e.traceparent,
            e.extensions,
            e.digest,
            e.published,
        )
        for n, e in enumerate(entries, position)
    )
    await _copy(context.conn, "facts", FACTS, rows)


async def write(context: WriteContext, diff: Diff) -> None:
    """Writes entities and links under the revision of the context, which the caller opens afterwards."""
    conn, tenant, revision = context.conn, context.tenant, context.revision
    stored = [entity for entity in diff.versions if entity.stored]
    if stored:
        kinds, keys = [entity.kind for entity in stored], [entity.key for entity in stored]
        await execute(conn, "close_entities", tenant=tenant, revision=revision, kinds=kinds, keys=keys)
    versions = [entity for entity in diff.versions if not entity.is_empty]
    if versions:
        await _copy(conn, "entities", ENTITIES, ((tenant, revision, OPEN, *_values(e)) for e in versions))
    if diff.touched:
        columns = zip(*map(_values, diff.touched), strict=True)
        named = dict(zip(_TOUCHED, map(list, columns), strict=True))
        await execute(conn, "touch_entities", tenant=tenant, **named)
    if diff.closed:
        await link_rows.close(context, diff.closed)
    if diff.opened:
        await link_rows.open(context, diff.opened)
    if diff.closed_aliases:
        kinds, keys = [kind for kind, _ in diff.closed_aliases], [key for _, key in diff.closed_aliases]
        await execute(conn, "close_aliases", tenant=tenant, revision=revision, kinds=kinds, keys=keys)
    if diff.opened_aliases:
        await _copy(conn, "aliases", ALIASES, ((tenant, revision, OPEN, *alias) for alias in diff.opened_aliases))


async def _copy(conn: Connection, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Inserts rows by COPY, which costs a third less than arrays, on both sides."""
    await conn.copy_records_to_table(table, schema_name="tether", columns=columns.split(), records=rows)


_TOUCHED = (
    "kinds",
    "keys",
    "states",
    "sequences",
    "data",
    "latest",
    "created",
    "ended",
    "incarnations",
    "older",
    "refs",
)


def _values(entity: FoldedEntity) -> tuple[Any, ...]:
    """In the order of the last columns of ENTITIES, and of _TOUCHED. Raises Unacceptable for an entity that would
    become too large."""
    data, older = entity.data_json(), entity.older_json()
    if 4 * (len(data) + len(older or "")) > limits.ENTITY:  # no character has more than four bytes
        entity.check_size()
    return (
        entity.kind,
        entity.key,
        entity.state,
        entity.sequence,
        data,
        entity.latest,
        entity.created,
        entity.ended,
        entity.incarnation,
        older,
        entity.refs_json(),
    )
