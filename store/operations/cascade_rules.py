"""What is to be done about the operations of one entity's deletion: two truth tables, without the database."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from store.operations.operation_row import OperationRow
from store.write.entity_state import NOTHING, FoldedEntity


class Action(Enum):
    """What is to be done about an open operation."""

    SEND_REQUEST = auto()
    """The owner is to be sent the request to delete the entity, or was."""
    PROCESS_CHILDREN = auto()
    """The operation is responsible for the children of the life that the entity's last deletion has ended."""
    BIND = auto()
    """The entity was deleted as requested: the operation becomes responsible for the children of the ended life."""
    END_DELETED_BY_OTHER = auto()
    """The entity was deleted as requested, and another operation is responsible for its children."""
    END_DELETED_AGAIN = auto()
    """A later fact has deleted the entity: the remaining children belong to that deletion."""
    CANCEL = auto()
    """The cancellation came before the entity was deleted."""
    CANCEL_DELETED = auto()
    """The cancellation came before the operation was bound: the children are kept."""
    EXPIRE = auto()
    """The owner's fact did not arrive in time."""


@dataclass(frozen=True, slots=True)
class Case:
    """An open operation, and the entity that it is about.

    ``running``: the operation processes children, otherwise it waits for the deletion. ``ended``: the entity is
    deleted, or was since the request and exists again. ``other``: if ``running``, it was deleted again since.
    ``cancelled``: cancellation was requested. ``expired``: the deadline has passed. ``bound``: an operation is
    responsible for the children of this deletion.
    """

    running: bool
    ended: bool
    other: bool
    cancelled: bool
    expired: bool
    bound: bool


# For each action the cases in which it is taken. None: does not matter. Each case is in exactly one row.
RULES: tuple[tuple[Action, dict[str, bool]], ...] = (
    (Action.PROCESS_CHILDREN, {"running": True, "other": False}),
    (Action.END_DELETED_AGAIN, {"running": True, "other": True}),
    (Action.CANCEL, {"running": False, "ended": False, "cancelled": True}),
    (Action.EXPIRE, {"running": False, "ended": False, "cancelled": False, "expired": True}),
    (Action.SEND_REQUEST, {"running": False, "ended": False, "cancelled": False, "expired": False}),
    (Action.CANCEL_DELETED, {"running": False, "ended": True, "cancelled": True}),
    (Action.BIND, {"running": False, "ended": True, "cancelled": False, "bound": False}),
    (Action.END_DELETED_BY_OTHER, {"running": False, "ended": True, "cancelled": False, "bound": True}),
)


def case_of(row: OperationRow, entity: FoldedEntity, now: datetime, *, bound: bool) -> Case:
    """The case that an open operation is in.

    ``row``: the operation; ``entity``: the one to delete, or deleted; ``bound``: an operation is responsible for the
    children of its deletion already.
    """
    running = row.state == "running"
    return Case(
        running=running,
        ended=entity.state == "deleted" or entity.ended > (row.requested_after or NOTHING),
        other=running and row.incarnation != entity.incarnation,
        cancelled=row.cancelled_at is not None,
        expired=row.expired(now),
        bound=bound,
    )


def decide(case: Case) -> Action:
    """What is to be done in a case."""
    return next(action for action, wanted in RULES if all(getattr(case, name) == it for name, it in wanted.items()))


class Conclusion(Enum):
    """What is to be done about an operation that is responsible for the children of a deleted entity."""

    NOTHING = auto()
    """It has ended, and no children were added since."""
    CONTINUE = auto()
    """Children are to be requested, or their facts are waited for."""
    CANCEL = auto()
    END_INCOMPLETE = auto()
    END_DONE = auto()


@dataclass(frozen=True, slots=True)
class ChildrenCase:
    """An operation that is responsible for the children of a deleted entity.

    ``state``: of the operation. ``cancelled``: cancellation was requested. ``left``: children are to be requested, or
    were and are not confirmed. ``parked``: some children are parked.
    """

    state: str
    cancelled: bool
    left: bool
    parked: bool


def conclude(case: ChildrenCase) -> Conclusion:
    """What is to be done in a case. The first line that fits decides."""
    if case.state == "cancelled":
        return Conclusion.NOTHING
    if case.cancelled:
        return Conclusion.CANCEL
    if case.left:
        return Conclusion.CONTINUE
    if case.parked:
        return Conclusion.END_INCOMPLETE if case.state == "running" else Conclusion.NOTHING
    return Conclusion.END_DONE if case.state in ("running", "incomplete") else Conclusion.NOTHING
