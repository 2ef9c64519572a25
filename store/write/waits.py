"""What follows from a difference, in the same transaction: placeholders, waits and outbox rows.

A parent that arrives or is deleted costs one row here, however many children it has: the state of their links is
derived from the parent's row.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from facts.envelope import Entry
from store.db.sql import execute, fetch_rows
from store.write import outbox
from store.write.context import WriteContext
from store.write.diff import Answer, Diff, EntityKey
from store.write.effects import InstanceKey, affected_instances
from store.write.entity_state import EntityState


class _State(NamedTuple):
    kind: str
    key: str
    state: EntityState


class _Instance(NamedTuple):
    relationship: str
    parent: str


async def update(context: WriteContext, diff: Diff) -> None:
    """Brings placeholders, waits and the outbox up to date with a difference whose entities and links are written."""
    states = await _update_placeholders(context, diff)
    placeholders = {at for at, state in states.items() if state == "unknown"}
    affected = affected_instances(context.catalog, diff, placeholders)
    if affected.notified:
        await outbox.notify_relationships(context, affected.notified)
    if context.open_operations:
        await outbox.notify_operations(context, diff)
    if context.catalog.leading:
        await outbox.notify_waiting_for_path(context, diff)
    if context.catalog.sweeping:
        await outbox.notify_cascades(context, diff, {at for at, state in states.items() if state == "deleted"})
    linked = [answer for answer in diff.answers if answer.linked]
    affected.may_end = {(a.relationship, a.parent): a.cause for a in linked} | affected.may_end
    if affected.may_end:
        # Where an instance is notified already, by the same fact, so that it is notified once.
        causes = {at: affected.notified.get(at, cause) for at, cause in affected.may_end.items()}
        await _end_waits(context, causes, linked)
    affected.may_begin |= await _end_answered_waits(context, [answer for answer in diff.answers if not answer.linked])
    if affected.may_begin:
        await _begin_waits(context, affected.may_begin)


async def _update_placeholders(context: WriteContext, diff: Diff) -> dict[EntityKey, EntityState]:
    """Adds and ends placeholders.

    Returns the states of all entities whose state has changed, and of all that links which began or ended name.
    """
    changed = {change.at: change.entity.state for change in diff.state_changes}
    await _replace_by_placeholders(context, [at for at, state in changed.items() if state == "unknown"])
    linked = {(link.relationship.element_kind, link.named) for link in diff.opened} - changed.keys()
    unlinked = {(link.relationship.element_kind, link.named) for link in diff.closed} - changed.keys()
    unlinked |= {(entity.kind, entity.key) for entity in diff.touched if entity.is_empty}  # its own references are void
    if not linked and not unlinked:
        return changed
    wanted = linked | unlinked
    kinds, keys = _columns(wanted)
    rows = await fetch_rows(context.conn, _State, "states", tenant=context.tenant, kinds=kinds, keys=keys)
    states = {(row.kind, row.key): row.state for row in rows}
    missing = [at for at in linked if at not in states]
    if missing:
        kinds, keys = _columns(missing)
        await execute(
            context.conn,
            "open_placeholders",
            tenant=context.tenant,
            revision=context.revision,
            kinds=kinds,
            keys=keys,
        )
    left = [at for at in unlinked if states.get(at) == "unknown" and at not in linked]
    if left:
        kinds, keys = _columns(left)
        declared = context.catalog.columns()
        await execute(
            context.conn,
            "close_placeholders",
            tenant=context.tenant,
            revision=context.revision,
            kinds=kinds,
            keys=keys,
            relationships=declared.names,
            element_kinds=declared.element_kinds,
            parent_lists=declared.parent_lists,
        )
    return changed | {at: states.get(at, "unknown") for at in wanted}


async def _replace_by_placeholders(context: WriteContext, empty: Collection[EntityKey]) -> None:
    """Adds placeholders for those of the entities without a fact that links refer to."""
    if not empty:
        return
    kinds, keys = _columns(empty)
    declared = context.catalog.columns()
    await execute(
        context.conn,
        "open_referred_placeholders",
        tenant=context.tenant,
        revision=context.revision,
        kinds=kinds,
        keys=keys,
        relationships=declared.names,
        element_kinds=declared.element_kinds,
        parent_lists=declared.parent_lists,
    )


async def _end_waits(context: WriteContext, causes: Mapping[InstanceKey, Entry], answers: Collection[Answer]) -> None:
    """Ends waits, each with the fact that its workflow is notified of. ``answers``: of children that are linked now."""
    columns = context.catalog.columns(relationship for relationship, _ in causes)
    await execute(
        context.conn,
        "end_waits",
        tenant=context.tenant,
        revision=context.revision,
        now=context.now,
        relationships=columns.names,
        parents=[parent for _, parent in causes],
        element_kinds=columns.element_kinds,
        parent_lists=columns.parent_lists,
        requested=columns.requested,
        sources=[cause.source for cause in causes.values()],
        ids=[cause.id for cause in causes.values()],
        facts=[cause.name for cause in causes.values()],
        answered_relationships=[answer.relationship.name for answer in answers],
        answered_parents=[answer.parent for answer in answers],
        correlations=[answer.correlation for answer in answers],
    )


async def _end_answered_waits(context: WriteContext, answers: Sequence[Answer]) -> set[InstanceKey]:
    """Ends the waits for requested children that are gone already, and returns the instances: they wait for others, as
    if each child had been linked by one batch and unlinked by the next one."""
    if not answers:
        return set()
    columns = context.catalog.columns(answer.relationship for answer in answers)
    rows = await fetch_rows(
        context.conn,
        _Instance,
        "end_answered_waits",
        tenant=context.tenant,
        revision=context.revision,
        now=context.now,
        relationships=columns.names,
        parents=[answer.parent for answer in answers],
        correlations=[answer.correlation for answer in answers],
        always=columns.always,
        sources=[answer.cause.source for answer in answers],
        ids=[answer.cause.id for answer in answers],
        facts=[answer.cause.name for answer in answers],
    )
    return {(context.catalog.relationship(row.relationship), row.parent) for row in rows}


async def _begin_waits(context: WriteContext, instances: Collection[InstanceKey]) -> None:
    columns = context.catalog.columns(relationship for relationship, _ in instances)
    await execute(
        context.conn,
        "begin_waits",
        tenant=context.tenant,
        now=context.now,
        relationships=columns.names,
        parents=[parent for _, parent in instances],
        element_kinds=columns.element_kinds,
        parent_lists=columns.parent_lists,
        requested=columns.requested,
        parent_owners=columns.parent_owners,
        child_owners=columns.child_owners,
        deadlines=columns.deadlines,
        grace_periods=columns.grace_periods,
    )


def _columns(entities: Collection[EntityKey]) -> tuple[list[str], list[str]]:
    return [kind for kind, _ in entities], [key for _, key in entities]
