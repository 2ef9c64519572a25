"""Why operations end or are stuck: codes and details, which the store keeps, and the sentences made of them.

The sentences are only shown. Whatever is decided is decided by the codes.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypedDict

EndCode = Literal[
    "request_refused",
    "restricted",
    "entity_deleted",
    "entity_recreated",
    "entity_missing",
    "key_too_long",
    "not_linked",
    "not_confirmed",
    "superseded",
    "recreated_since_request",
    "recreated_during_cascade",
    "deleted_again",
    "deletion_voided",
    "stopped_midway",
    "children_parked",
    "already_deleted",
    "deleted_by_other_operation",
    "not_declared",
    "pair_forbidden",
    "cardinality",
    "merge_id_used",
    "not_conserved",
    "stays_merged",
    "not_retired",
    "retired",
    "other",
]
"""Why an operation ended as it did. ``other``: an earlier version said it in a sentence, which is in ``last_error``."""

StuckCause = Literal["owner_error", "silence", "not_declared"]
"""Why an operation that has not ended does not go on: attempts at an owner fail; facts of children that were requested
do not arrive; what it needs is not declared (any more)."""


class ReasonDetails(TypedDict, total=False):
    """The values that a sentence needs. Which ones are there follows from the code."""

    kind: str
    key: str
    parent_kind: str
    parent: str
    child_kind: str
    child: str
    relationship: str
    fact: str
    operation: str
    declaration: str
    since: str
    unconfirmed: int
    remaining: int
    parked: int
    skipped: int
    other: str
    path: list[str]
    linked_kind: str
    linked: str
    other_linked: str
    merge: str


class EndReason(NamedTuple):
    """A code with its details."""

    code: EndCode
    details: ReasonDetails = ReasonDetails()


class Reasoned(Protocol):
    """What a sentence about an operation is made of: columns of its row."""

    @property
    def kind(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def ended_because(self) -> EndCode | None: ...
    @property
    def end_details(self) -> ReasonDetails | None: ...
    @property
    def owner_may_still_act(self) -> bool: ...
    @property
    def stuck_cause(self) -> StuckCause | None: ...
    @property
    def stuck_relationship(self) -> str | None: ...
    @property
    def stuck_details(self) -> ReasonDetails | None: ...
    @property
    def last_error(self) -> str: ...


def describe_operation(row: Reasoned) -> str:
    """Why an operation ended as it did, or why it is stuck; empty if there is nothing to say."""
    if row.state in ("waiting", "requested", "running"):
        return _describe_stuck(row)
    reason = ""
    if row.ended_because is not None:
        reason = describe_reason(EndReason(row.ended_because, row.end_details or {}), row.last_error)
    if not row.owner_may_still_act:
        return reason
    if row.kind == "move":
        return f"{reason or 'the request had been sent to the owner'}; it may still move"
    if row.state == "cancelled":
        return f"the request had been sent to the owner: if it deletes the {row.about}, the children are kept"
    return f"{reason}; the request had been sent to its owner, which may still delete it"


def describe_reason(reason: EndReason, last_error: str = "") -> str:
    """One sentence without a full stop. ``last_error``: what the owner said last, if it said anything."""
    return _SENTENCES[reason.code](reason.details, last_error)


def describe_missing_declaration(declaration: str) -> str:
    """``declaration``: what is missing, such as "a command that deletes a team"."""
    return f"not declared any more: {declaration}; declare it again, or cancel this operation"


def _describe_stuck(row: Reasoned) -> str:
    details = row.stuck_details or ReasonDetails()
    if row.stuck_cause == "owner_error":
        return f"{row.stuck_relationship}: {row.last_error}" if row.stuck_relationship else row.last_error
    if row.stuck_cause == "silence":
        since = datetime.fromisoformat(details["since"])
        why = f": {row.last_error}" if row.last_error else ""
        return f"facts of {details['unconfirmed']} children have not arrived since {since:%Y-%m-%d %H:%M} UTC{why}"
    if row.stuck_cause == "not_declared":
        return describe_missing_declaration(details["declaration"])
    return ""


def _not_confirmed(details: ReasonDetails, last_error: str) -> str:
    return last_error or f"{details.get('fact', 'the fact of the owner')} did not arrive in time"


def _restricted(details: ReasonDetails, _: str) -> str:
    return (
        f"{details['kind']} {details['key']!r} cannot be deleted: {details['child_kind']} {details['child']!r} "
        f"belongs to {details['parent_kind']} {details['parent']!r} by {details['relationship']}, which restricts "
        f"that; move or delete the {details['child_kind']} first"
    )


def _pair_forbidden(details: ReasonDetails, _: str) -> str:
    path = details["path"]
    way = "" if len(path) == 2 else f", by way of {' – '.join(path)}"
    return (
        f"this would merge {details['kind']} {path[0]!r} and {path[-1]!r}, which must never be merged{way}; "
        f"allow it first (DELETE /v1/entities/{details['kind']}/forbidden-merges), or leave one of them out"
    )


def _cardinality(details: ReasonDetails, _: str) -> str:
    d = details
    return (
        f"{d['kind']} {d['key']!r} is linked to {d['linked_kind']} {d['linked']!r} and {d['other']!r} to "
        f"{d['other_linked']!r} by {d['relationship']}, which allows one; change one of the two links at its owner, "
        f"or declare on_merge=OnMerge.KEEP_SURVIVORS or KEEP_NEWEST"
    )


_SENTENCES: dict[EndCode, Callable[[ReasonDetails, str], str]] = {
    "request_refused": lambda _, last_error: last_error,
    "restricted": _restricted,
    "entity_deleted": lambda d, _: f"{d['kind']} {d['key']} is deleted",
    "entity_recreated": lambda d, _: f"{d['kind']} {d['key']} was deleted and created again",
    "entity_missing": lambda d, _: f"no fact about {d['kind']} {d['key']} arrived in time",
    "key_too_long": lambda d, _: f"{d['kind']} {d['key']} cannot be linked: its key is longer than it may be by now",
    "not_linked": lambda d, _: (
        f"{d['child_kind']} {d['child']} is not linked to {d['parent_kind']} {d['parent']} any more"
    ),
    "not_confirmed": _not_confirmed,
    "superseded": lambda d, _: f"replaced by operation {d['operation']}, which was requested later",
    "recreated_since_request": lambda d, _: f"the {d['kind']} was deleted and created again since the request",
    "recreated_during_cascade": lambda d, _: (
        f"the {d['kind']} was created again: the remaining children were skipped"
        + (f", {d['skipped']} of them" if "skipped" in d else "")
    ),
    "deletion_voided": lambda d, _: (
        f"the deletion of {d['kind']} {d['key']!r} was voided, so the rest of its children stay"
    ),
    "deleted_again": lambda d, _: (
        f"a later fact deleted the {d['kind']} again: the remaining children belong to that deletion"
    ),
    "stopped_midway": lambda d, _: (
        f"{d['unconfirmed']} more were requested and not confirmed, {d['remaining']} were not requested"
    ),
    "children_parked": lambda d, _: f"children parked: {d['parked']}",
    "already_deleted": lambda d, _: f"the {d['kind']} had been deleted already; its children are kept",
    "deleted_by_other_operation": lambda d, _: f"deleted by operation {d['operation']}",
    "not_declared": lambda d, _: describe_missing_declaration(d["declaration"]),
    "pair_forbidden": _pair_forbidden,
    "cardinality": _cardinality,
    "merge_id_used": lambda d, _: f"the id {d['merge']!r} is that of another merge; give each merge an id of its own",
    "not_conserved": lambda _, last_error: f"the merge did not conserve everything, and was undone: {last_error}",
    "stays_merged": lambda _, __: "the merge was recorded already, and stays; undo it to end it",
    "not_retired": lambda d, _: f"merged, but {d['parked']} could not be retired at their owner",
    "retired": lambda d, _: (
        f"{d['kind']} {d['key']!r} was deleted while it was merged into {d['other']!r}, so its children stay; delete "
        "them at their owner if they must go"
    ),
    "other": lambda _, last_error: last_error,
}
