"""Operations that earlier versions stored mean the same after the migration from sentences to codes."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from catalog.catalog import Catalog
from messages.child_reasons import describe_child
from messages.operation_reasons import describe_operation
from store import migrate as migrations
from store.db import schema
from store.db.pool import Pool
from store.operations import listings, operations

FILES = Path(schema.__file__).parent / "migrations"
OLD_OPERATION = """
insert into operations (tenant, id, kind, workflow, about, key, state, reason, actor, created_at, stuck_since)
values ('main', $1, $2, $3, $4, 'k', $5, $6, 'ann', now(),
        case when $5 in ('waiting', 'running',
                         'asked')  -- former name
             then now() end)
"""
OLD_CHILD = """
insert into items (tenant, operation, relationship, child, parent, state, reason, tries)
values ('main', $1, 'event_team', $2, 'a', $3, $4, $5)
"""
SENT_REQUEST = "the owner had been asked already: if it deletes it, its children are left"  # former name


@dataclass
class Old:
    """An operation as stored by earlier versions. ``now``: columns after the migration; ``shown``: its description."""

    kind: str
    state: str
    reason: str
    now: dict[str, Any]
    shown: str
    workflow: str = field(init=False)

    def __post_init__(self) -> None:
        self.workflow = {"move": "move", "link": "relationship", "unlink": "relationship"}.get(self.kind, "cascade")


ROWS = [
    Old("delete",
        "asked",  # former name
        "", {"state": "requested", "stuck_cause": None, "unanswered_attempt": False}, ""),
    Old(
        "move",
        "asked",  # former name
        "MoveTeam at teams answered 503",
        {"stuck_cause": "owner_error", "stuck_relationship": None, "unanswered_attempt": True},
        "MoveTeam at teams answered 503",
    ),
    Old(
        "cascade",
        "running",
        "event_team: DeleteTeam at teams answered 503",
        {"stuck_cause": "owner_error", "stuck_relationship": "event_team", "unanswered_attempt": False},
        "event_team: DeleteTeam at teams answered 503",
    ),
    Old(
        "cascade",
        "running",
        "facts of children: 3 have not come since 2026-01-02 03:04 UTC: teams says no",
        {"stuck_cause": "silence", "stuck_details": {"unconfirmed": 3, "since": "2026-01-02T03:04:00+00:00"}},
        "facts of 3 children have not arrived since 2026-01-02 03:04 UTC: teams says no",
    ),
    Old(
        "delete",
        "waiting",
        "not declared any more: a command that deletes a event; declare it again, or cancel this operation",
        {"stuck_cause": "not_declared", "stuck_details": {"declaration": "a command that deletes a event"}},
        "not declared any more: a command that deletes a event; declare it again, or cancel this operation",
    ),
    Old("cascade", "running", "children parked: 2", {"stuck_cause": None, "last_error": ""}, ""),
    Old(
        "delete",
        "cancelled",
        SENT_REQUEST,
        {"ended_because": None, "owner_may_still_act": True, "last_error": ""},
        "the request had been sent to the owner: if it deletes the event, the children are kept",
    ),
    Old(
        "move",
        "cancelled",
        "the owner had been asked already: it may still move",  # former name
        {"ended_because": None, "owner_may_still_act": True},
        "the request had been sent to the owner; it may still move",
    ),
    Old(
        "move",
        "refused",
        "MoveTeam at teams refused with 422: no; it may still move",
        {"ended_because": "request_refused", "owner_may_still_act": True},
        "MoveTeam at teams refused with 422: no; it may still move",
    ),
    Old(
        "move",
        "expired",
        "the owner's fact has not come; it may still move",
        {"ended_because": "not_confirmed", "owner_may_still_act": True},
        "the fact of the owner did not arrive in time; it may still move",
    ),
    Old(
        "move",
        "expired",
        "answered 503; it may still move",
        {"ended_because": "not_confirmed", "last_error": "answered 503"},
        "answered 503; it may still move",
    ),
    Old("move", "superseded", "operation o9 came after it", {"ended_because": "superseded"},
        "replaced by operation o9, which was requested later"),
    Old("move", "refused", "team t 1 is deleted", {"end_details": {"kind": "team", "key": "t 1"}},
        "team t 1 is deleted"),
    Old("move", "refused",
        "team t was deleted and created anew",  # former name
        {"ended_because": "entity_recreated"},
        "team t was deleted and created again"),
    Old("link", "expired", "item i was not heard of in time", {"ended_because": "entity_missing"},
        "no fact about item i arrived in time"),
    Old("unlink", "refused", "item i is not linked to category c any more", {"ended_because": "not_linked"},
        "item i is not linked to category c any more"),
    Old("delete", "expired",
        "EventDeleted was not told in time",  # former name
        {"end_details": {"fact": "EventDeleted"}},
        "EventDeleted did not arrive in time"),
    Old("delete", "expired", "DeleteEvent at events answered 503", {"ended_because": "not_confirmed"},
        "DeleteEvent at events answered 503"),
    Old("delete", "done", "by operation o8", {"ended_because": "deleted_by_other_operation"},
        "deleted by operation o8"),
    Old("delete", "done",
        "the event was created anew since",  # former name
        {"ended_because": "recreated_since_request"},
        "the event was deleted and created again since the request"),
    Old("cascade", "done", "the event was created anew: what was left of it is spared",  # former name
        {"ended_because": "recreated_during_cascade"},
        "the event was created again: the remaining children were skipped"),
    Old("cascade", "cancelled", "2 more were asked for, 5 were not",  # former name
        {"end_details": {"unconfirmed": 2, "remaining": 5}},
        "2 more were requested and not confirmed, 5 were not requested"),
    Old("cascade", "incomplete", "children parked: 2", {"end_details": {"parked": 2}}, "children parked: 2"),
    Old("delete", "cancelled", "it had come about already; its children are left",  # former name
        {"ended_because": "already_deleted", "end_details": {"kind": "event", "key": "k"}},
        "the event had been deleted already; its children are kept"),
    Old(
        "delete",
        "refused",
        "event 'b' cannot be deleted: stand 's' belongs to event 'b' by event_stand, which restricts that; move or "
        "delete the stand first; its owner had been asked already, and may still delete it",  # former name
        {"ended_because": "restricted", "owner_may_still_act": True},
        "event 'b' cannot be deleted: stand 's' belongs to event 'b' by event_stand, which restricts that; move or "
        "delete the stand first; the request had been sent to its owner, which may still delete it",
    ),
    Old("delete", "cancelled", "for reasons of its own", {"ended_because": "other"}, "for reasons of its own"),
]  # fmt: skip


class OldChild(NamedTuple):
    """A child as it was stored; afterwards its columns have the values of ``now``, and ``shown`` describes it."""

    state: str
    reason: str
    now: dict[str, Any]
    shown: str
    attempts: int = 0
    kind: str = "cascade"


NO_REASON = {"skip_reason": None, "park_reason": None, "details": None, "reported_missing": False}
REFUSED = "DeleteTeam at teams refused with 409: it is deleted"
CHILDREN = [
    OldChild("planned", "", {"state": "planned", **NO_REASON}, ""),
    OldChild("failing", "answered 503", {**NO_REASON, "last_error": "answered 503"}, "answered 503"),
    OldChild("asked", "", {"state": "requested", **NO_REASON}, ""),  # former name
    OldChild(
        "asked",  # former name
        "no t",
        {"state": "requested", **NO_REASON, "reported_missing": True},
        "no t",
        attempts=1,
    ),
    OldChild("done", "", {"state": "confirmed", **NO_REASON}, ""),
    OldChild("spared", "", {"state": "skipped", **NO_REASON}, ""),  # former name
    OldChild("spared", "answered 503", {"last_error": "answered 503", **NO_REASON}, "answered 503"),  # former name
    OldChild("spared", REFUSED, {"last_error": REFUSED, **NO_REASON}, REFUSED),  # former name
    OldChild(
        "spared",  # former name
        "it left its parent, and came back by another fact",
        {**NO_REASON, "skip_reason": "left_and_returned", "last_error": ""},
        "it left its parent, and came back by another fact",
    ),
    OldChild("parked", REFUSED, {**NO_REASON, "park_reason": "request_refused", "last_error": REFUSED}, REFUSED),
    OldChild("parked", REFUSED, {"park_reason": "request_refused"}, REFUSED, kind="move"),
    OldChild("parked", "answered 500", {"park_reason": "attempts_exhausted"}, "answered 500", attempts=30),
    OldChild(
        "parked",
        "asked for at 2026-01-02 03:04 UTC, and no fact has come of it",  # former name
        {"park_reason": "not_confirmed", "details": {"since": "2026-01-02T03:04:00+00:00"}, "last_error": ""},
        "requested at 2026-01-02 03:04 UTC, and no fact has confirmed it",
    ),
    OldChild(
        "parked",
        "asked for at 2026-01-02 03:04 UTC, and no fact has come of it: teams: no t",  # former name
        {"park_reason": "not_confirmed", "last_error": "teams: no t", "reported_missing": False},
        "requested at 2026-01-02 03:04 UTC, and no fact has confirmed it: teams: no t",
    ),
    OldChild(
        "spared",  # former name
        "asked for at 2026-01-02 03:04 UTC, and no fact has come of it",  # former name
        {"state": "skipped", "park_reason": "not_confirmed", "last_error": ""},
        "requested at 2026-01-02 03:04 UTC, and no fact has confirmed it",
    ),
    OldChild(
        "parked",
        "team 't' cannot be deleted: booking 'k' belongs to team 't' by team_booking, which restricts that; move or "
        "delete the booking first",
        {"park_reason": "restricted", "last_error": ""},
        "team 't' cannot be deleted: booking 'k' belongs to team 't' by team_booking, which restricts that; move or "
        "delete the booking first",
    ),
    OldChild(
        "parked",
        "event b 1 is deleted",
        {"park_reason": "target_deleted", "details": {"kind": "event", "key": "b 1"}, "last_error": ""},
        "event b 1 is deleted",
        kind="move",
    ),
]


@pytest.fixture
async def before(pool: Pool, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A database with the schema of migration 0006."""
    await pool.execute("drop schema tether cascade")
    for number in range(1, 7):
        (file,) = FILES.glob(f"{number:04}_*.sql")
        shutil.copy(file, tmp_path)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "_MIGRATIONS", tmp_path)
        async with pool.acquire() as conn:
            assert len(await schema.apply(conn)) == 6
    return pool


async def test_sentences_of_operations_become_codes_of_the_same_meaning(before: Pool, catalog: Catalog) -> None:
    for number, old in enumerate(ROWS):
        about = "event" if old.workflow == "cascade" else "event_team"
        await before.execute(OLD_OPERATION, f"o{number}", old.kind, old.workflow, about, old.state, old.reason)
    await migrations.migrate(before, catalog)
    for number, old in enumerate(ROWS):
        row = await operations.find(before, "main", f"o{number}")
        assert {name: getattr(row, name) for name in old.now} == old.now, old
        assert describe_operation(row) == old.shown


async def test_sentences_of_children_become_codes_of_the_same_meaning(before: Pool, catalog: Catalog) -> None:
    for kind in ("cascade", "move"):
        await before.execute(OLD_OPERATION, kind, kind, kind, "event", "running", "")
    await before.execute("update operations set parent = 'b 1' where id = 'move'")
    for number, old in enumerate(CHILDREN):
        await before.execute(OLD_CHILD, old.kind, f"{number:02}", old.state, old.reason, old.attempts)
    await migrations.migrate(before, catalog)
    rows = {row["child"]: row for row in await before.fetch("select * from operation_children")}
    shown = {
        row.child: describe_child(row)
        for kind in ("cascade", "move")
        for row in (await listings.children_page(before, "main", kind, None, None, 100))[0]
    }
    for number, old in enumerate(CHILDREN):
        row = rows[f"{number:02}"]
        assert {name: row[name] for name in old.now} == old.now, old
        assert shown[f"{number:02}"] == old.shown


async def test_states_of_children_are_renamed(before: Pool, catalog: Catalog) -> None:
    states = {"a": "planned", "b": "failing", "c": "asked", "d": "done", "e": "spared", "f": "parked"}  # former name
    for child, state in states.items():
        await before.execute(OLD_CHILD, "o", child, state, "no" if state == "parked" else "", 0)
    await migrations.migrate(before, catalog)
    rows = await before.fetch("select child, state, last_error from operation_children order by child")
    assert [row["state"] for row in rows] == ["planned", "failing", "requested", "confirmed", "skipped", "parked"]
    assert rows[5]["last_error"] == "no"
