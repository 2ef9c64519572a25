"""The outbox towards Temporal: rows that ask for a workflow to be started or signalled, each because of a fact.

They are written in the transaction of that fact (the transactional outbox pattern), and dispatched after its commit.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from catalog.vocabulary import Effect
from facts.correlation import decode_operation
from facts.envelope import Entry
from store.db.pool import Connection
from store.db.sql import execute, fetch_rows, fetch_value
from store.write.aliases import losers_of
from store.write.context import WriteContext
from store.write.diff import Diff, EntityKey, StateChange
from store.write.effects import InstanceKey

GREATEST = 9223372036854775807
"""The greatest position that a row can have: a bigint."""

CascadeEvent = Literal["children_to_delete", "child_unlinked", "recreated"]
"""What has happened to a deleted entity: it may have children; one of them has left it; it was created again. The
query ``notify_cascades`` says in which cases its cascade is notified."""


async def forget(conn: Connection, tenant: str, workflow: str, about: str, key: str, position: int = GREATEST) -> bool:
    """Deletes the outbox rows of a workflow that it has read, those up to ``position``; by default all of them.

    ``workflow``, ``about`` and ``key`` name it, as in messages.workflow_ids.Subject. Returns whether there are newer
    rows. None are added after a look at rows while the same transaction holds the tenant's lock; otherwise the caller
    passes the position that the look returned, since only those rows were taken into account.
    """
    newer = await fetch_value(
        conn, "forget_outbox_rows", tenant=tenant, workflow=workflow, about=about, key=key, position=position
    )
    return bool(newer)


async def notify_relationships(context: WriteContext, causes: Mapping[InstanceKey, Entry]) -> None:
    """Notifies the workflows of instances: those that always have one, and those that may have one for a wait."""
    columns = context.catalog.columns(relationship for relationship, _ in causes)
    await _add(
        context,
        "notify_relationships",
        causes.values(),
        relationships=columns.names,
        parents=[parent for _, parent in causes],
        always=columns.always,
    )


async def notify_operations(context: WriteContext, diff: Diff) -> None:
    """Notifies the workflows of operations that are waiting for an entity, or for the link of a child.

    They know an entity by the key that was requested, which may be merged into another one since.
    """
    causes = {(link.relationship.child, link.child): link.cause for link in diff.opened}
    causes |= {change.at: change.cause for change in (*diff.state_changes, *diff.recreated)}
    causes |= {(renamed.kind, renamed.key): renamed.cause for renamed in diff.renamed}
    causes |= _of_moved_aliases(diff, causes)
    if not causes:
        return
    merging = [at for at in causes if at[0] in context.catalog.contracts.merging]
    for survivor, losers in (await losers_of(context.conn, context.tenant, merging)).items():
        causes |= {(survivor[0], key): causes[survivor] for key in losers}
    declared = context.catalog.columns()
    await _add(
        context,
        "notify_operations",
        causes.values(),
        kinds=[kind for kind, _ in causes],
        keys=[key for _, key in causes],
        relationships=declared.names,
        parent_kinds=declared.parent_kinds,
        child_kinds=declared.child_kinds,
    )


def _of_moved_aliases(diff: Diff, causes: Mapping[EntityKey, Entry]) -> dict[EntityKey, Entry]:
    """Losers that stand for another survivor now, since their former one was merged: each with the fact behind it."""
    found: dict[EntityKey, Entry] = {}
    of_survivor: dict[EntityKey, Entry] = {}
    for kind, key, survivor in diff.opened_aliases:
        if (cause := causes.get((kind, key)) or causes.get((kind, survivor))) is not None:
            of_survivor.setdefault((kind, survivor), cause)
    for kind, key, survivor in diff.opened_aliases:
        if (kind, key) not in causes and (kind, survivor) in of_survivor:
            found[kind, key] = of_survivor[kind, survivor]
    return found


async def notify_waiting_for_path(context: WriteContext, diff: Diff) -> None:
    """Notifies instances whose command takes a key by way of another relationship, where that key may exist now.

    That is where a child was linked in that relationship, or its parent became live.
    """
    leading = context.catalog.leading
    reached = {
        (link.relationship, link.parent): link.cause for link in diff.opened if link.relationship.name in leading
    }
    for change in diff.state_changes:
        for relationship in context.catalog.by_parent.get(change.entity.kind, ()):
            if relationship.name in leading and change.entity.state == "live":
                reached[relationship, change.entity.key] = change.cause
    rows = [(to.name, up, parent, cause) for (r, parent), cause in reached.items() for to, up in leading[r.name]]
    if rows:
        names, ups, parents, causes = (list(column) for column in zip(*rows, strict=True))
        await _add(context, "notify_waiting_for_path", causes, relationships=names, ups=ups, parents=parents)


def cascade_events(
    diff: Diff, deleted: set[EntityKey], sweeping: Container[str]
) -> dict[EntityKey, tuple[Entry, CascadeEvent]]:
    """What has happened to entities that have been deleted, each with its fact; of several events the last one here.

    Their children are those that are still linked to a tombstone, or to a former incarnation of what is live again.
    ``deleted``: the parents of the difference that are deleted now. ``sweeping``: the kinds of entities that count.
    """
    events: dict[EntityKey, tuple[Entry, CascadeEvent]] = {}
    opened = [link for link in diff.opened if link.relationship.parent in sweeping]
    for ended in diff.closed:
        at = ended.relationship.parent, ended.parent
        if at[0] in sweeping and (at in deleted or ended.relationship.requested is not None):
            events[at] = ended.cause, "child_unlinked"
    for link in opened:
        if (at := (link.relationship.parent, link.parent)) in deleted:
            events[at] = link.cause, "children_to_delete"
    for change in (*diff.state_changes, *diff.recreated):
        if change.entity.kind in sweeping and (event := _of_state(change)) is not None:
            events[change.at] = change.cause, event
    for link in opened:
        if link.former:
            events[link.relationship.parent, link.parent] = link.cause, "children_to_delete"
    return events


def _of_state(change: StateChange) -> CascadeEvent | None:
    state = change.entity.state
    if state == "deleted":
        return "children_to_delete"
    return "recreated" if state == "live" and (change.entity.ended or _was_deleted(change)) else None


def _was_deleted(change: StateChange) -> bool:
    """Whether an entity that is live was deleted before, though no deletion of it is known any more: it is void."""
    return change.entity.stored and not change.was_placeholder


async def notify_cascades(context: WriteContext, diff: Diff, deleted: set[EntityKey]) -> None:
    """Notifies the cascades of deleted entities whose children are to be deleted or detached.

    ``deleted``: the parents of the difference that are deleted now.
    """
    sweeping = context.catalog.sweeping
    events = cascade_events(diff, deleted, sweeping)
    if context.catalog.listing:
        for at, event in (await _listed_events(context, diff)).items():
            events.setdefault(at, event)
            deleted = deleted | {at}
    if not events:
        return
    swept = context.catalog.columns(r for relationships in sweeping.values() for r in relationships)
    await _add(
        context,
        "notify_cascades",
        [cause for cause, _ in events.values()],
        kinds=[kind for kind, _ in events],
        keys=[key for _, key in events],
        events=[event for _, event in events.values()],
        deleted=[at in deleted for at in events],
        relationships=swept.names,
        parent_kinds=swept.parent_kinds,
    )


class _DeletedParent(NamedTuple):
    """A row of ``deleted_parents_of``."""

    relationship: str
    child: str
    parent: str


async def _listed_events(context: WriteContext, diff: Diff) -> dict[EntityKey, tuple[Entry, CascadeEvent]]:
    """What has happened to deleted parents of children in many-to-many relationships: a child has lost another parent,
    and may be requested now; or it was deleted, though its parent still lists it."""
    events: dict[tuple[str, str], tuple[Entry, CascadeEvent]] = {}
    for ended in diff.closed:
        if ended.relationship.many and ended.relationship.sweep is not None:
            events[ended.relationship.name, ended.child] = ended.cause, "children_to_delete"
    for change in diff.state_changes:
        for relationship in context.catalog.by_child.get(change.entity.kind, ()):
            if relationship.parent_lists and relationship.sweep is not None:
                gone = change.entity.state == "deleted"
                event: CascadeEvent = "child_unlinked" if gone else "children_to_delete"
                events[relationship.name, change.entity.key] = change.cause, event
    if not events:
        return {}
    declared = context.catalog.relationships
    rows = await fetch_rows(
        context.conn,
        _DeletedParent,
        "deleted_parents_of",
        tenant=context.tenant,
        relationships=[name for name, _ in events],
        parent_kinds=[declared[name].parent for name, _ in events],
        children=[child for _, child in events],
    )
    return {(declared[row.relationship].parent, row.parent): events[row.relationship, row.child] for row in rows}


async def confirm_operations(context: WriteContext, entries: Sequence[Entry]) -> None:
    """Confirms operations by the facts that their requests have caused, whether those change anything or not.

    A move is confirmed by a fact that names a parent of the child, a deletion by the deletion of the entity: a
    correlation id alone proves nothing, since any owner can copy it.
    """
    found: list[tuple[str, str, str, Entry]] = []
    for entry in entries:
        operation = decode_operation(entry.correlation)
        if operation is not None and entry.effect is Effect.DELETED:
            found.append((operation, "cascade", entry.kind, entry))
        elif operation is not None:
            moved = [r.name for r in context.catalog.by_child.get(entry.kind, ()) if r.root in entry.data]
            found += [(operation, "move", name, entry) for name in moved]
    if found:
        operations, workflows, abouts, causes = (list(column) for column in zip(*found, strict=True))
        await _add(
            context,
            "confirm_operations",
            causes,
            operations=operations,
            workflows=workflows,
            abouts=abouts,
            keys=[e.key for e in causes],
        )


async def notify_merges(context: WriteContext, entries: Sequence[Entry]) -> None:
    """Notifies the workflows of merges that have requested to retire losers, of the deletions that follow from it."""
    retiring = context.catalog.contracts.retiring
    deletions = [e for e in entries if e.effect is Effect.DELETED and e.kind in retiring]
    found = [(operation, e) for e in deletions if (operation := decode_operation(e.correlation)) is not None]
    if found:
        await _add(context, "notify_merges", [e for _, e in found], operations=[operation for operation, _ in found])


async def _add(context: WriteContext, query: str, causes: Iterable[Entry], **columns: list[Any]) -> None:
    """Runs a query that adds outbox rows. ``causes``: the facts; ``columns``: what the query takes beside them."""
    facts = list(causes)
    await execute(
        context.conn,
        query,
        tenant=context.tenant,
        revision=context.revision,
        now=context.now,
        sources=[e.source for e in facts],
        ids=[e.id for e in facts],
        facts=[e.name for e in facts],
        **columns,
    )
