"""Children of an event that is deleted and created again: which of them are requested, whatever happens when."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.catalog import Catalog
from catalog.relationship import FINISH, STOP, Cascade, OnRecreated
from contracts.teams import DeleteTeam
from store.db.pool import Pool
from store.operations import cascades, children, children_to_request, deletions, listings, voids
from store.operations.children import ChildOutcome
from store.operations.children_to_request import CandidatePage
from store.operations.listings import OperationQuery
from store.operations.operation_row import OperationKind, OperationRow
from tests.support.events import event
from tests.support.tenants import CATALOG, StoreTenant, in_a_database

TEAMS = tuple("abcdefgh")
STEPS = ("look", "page", "send", "send", "confirm", "recreate", "name again", "leave", "add")

SHIFT = """
    update facts set received = now() - make_interval(secs => $2) where tenant = $1 and id = 'EventCreated/e/3'
"""


def catalog(policy: OnRecreated) -> Catalog:
    """The project's declarations, with this policy for the teams of an event."""
    teams = CATALOG.relationship("event_team")
    changed = replace(teams, on_parent_deleted=Cascade(DeleteTeam, on_recreated=policy))
    return Catalog(CATALOG.contracts, {**CATALOG.relationships, teams.name: changed})


@dataclass
class Play:
    """An event with eight teams, the owner of teams, and a sweep whose steps are taken one by one.

    ``seconds``: how long ago the event was created again, as far as the sweep can see; negative: it is yet to come.
    ``old``: teams that still belong to the life that ended; ``new``: to the next one; ``sent``: those requested.
    """

    tenant: StoreTenant
    seconds: int
    recreated: bool = False
    old: set[str] = field(default_factory=lambda: set(TEAMS))
    new: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    page: CandidatePage | None = None
    sequence: int = 10
    wrong: list[str] = field(default_factory=list)

    @property
    def at(self) -> tuple[Pool, Catalog, str]:
        return self.tenant.pool, self.tenant.catalog, self.tenant.name

    async def begin(self, *, at_once: bool) -> None:
        """Records the events and teams, and the deletion; ``at_once``: in one batch with the new creation."""
        await self.tenant.record(
            *(event("EventCreated", key, 1, name=key) for key in ("e", "other")),
            *(event("TeamCreated", team, 1, name=team, event_id="e") for team in TEAMS),
        )
        deleted = event("EventDeleted", "e", 2)
        if at_once:
            await self.tenant.record(deleted, event("EventCreated", "e", 3, name="again"))
            await self._created_again()
        else:
            await self.tenant.record(deleted)

    async def recreate(self) -> None:
        if not self.recreated:
            await self.tenant.record(event("EventCreated", "e", 3, name="again"))
            await self._created_again()

    async def _created_again(self) -> None:
        self.recreated = True
        await self._shift()

    async def _shift(self) -> None:
        """Makes the creation so old that the second after it is over, or has long to last."""
        await self.tenant.pool.execute(SHIFT, self.tenant.name, float(self.seconds))

    async def operation(self, kind: OperationKind | None = "cascade") -> OperationRow | None:
        rows, _ = await listings.operations_page(self.tenant.pool, self.tenant.name, OperationQuery(kind), None, 10)
        assert len(rows) <= 1
        return rows[0] if rows else None

    async def look(self) -> None:
        await cascades.advance(*self.at, "event", "e")

    async def read(self) -> None:
        """Reads the first page, and stores that its requests are about to be sent."""
        row, relationship = await self.operation(), self.tenant.catalog.relationship("event_team")
        if row is not None:
            self.page = await children_to_request.next_page(*self.at, row.id, relationship, "", 5, repeat=False)
            found = self.page.candidates if self.page is not None else []
            await children_to_request.begin(self.tenant.pool, self.tenant.name, row.id, relationship.name, found)

    async def send(self) -> None:
        """Looks again, and sends the next request of the page if that is still to be sent; its owner accepts it."""
        row, relationship = await self.operation(), self.tenant.catalog.relationship("event_team")
        waiting = [c for c in self.page.candidates if c.child.key not in self.sent] if self.page is not None else []
        if row is None or not waiting:
            return
        pending = await children_to_request.look_again(*self.at, row.id, relationship, waiting)
        sending = [c for c in waiting if c.child.key in pending.keys][:1]
        for candidate in sending:
            team = candidate.child.key
            if team not in self.old or (self.recreated and relationship.on_recreated is STOP and self.seconds > 0):
                self.wrong.append(team)
            self.sent.append(team)
            self.facts.append(team)
            outcome = ChildOutcome(team, candidate.parent, "requested", candidate.reference)
            await children.store_outcomes(self.tenant.pool, self.tenant.name, row.id, relationship.name, [outcome])

    async def confirm(self) -> None:
        """Records the facts that followed from requests."""
        facts, self.facts = self.facts, []
        if facts:
            await self.tenant.record(*(event("TeamDeleted", team, 1_000) for team in facts))
            self.old -= set(facts)

    async def name_again(self) -> None:
        """The owner of teams says once more that the last team which was not requested is in the event."""
        team = next((team for team in sorted(self.old, reverse=True) if team not in self.sent), None)
        if team is not None:
            self.sequence += 1
            await self.tenant.record(event("TeamMoved", team, self.sequence, event_id="e"))
            if self.recreated:
                self.old.remove(team)
                self.new.add(team)

    async def leave(self) -> None:
        """A team that was not requested moves to another event."""
        team = next((team for team in sorted(self.old) if team not in self.sent), None)
        if team is not None:
            self.sequence += 1
            await self.tenant.record(event("TeamMoved", team, self.sequence, event_id="other"))
            self.old.remove(team)

    async def add(self) -> None:
        """A new team of the event."""
        self.sequence += 1
        team = f"t{self.sequence}"
        await self.tenant.record(event("TeamCreated", team, self.sequence, name=team, event_id="e"))
        (self.new if self.recreated else self.old).add(team)

    async def take(self, step: str) -> None:
        await {
            "look": self.look,
            "page": self.read,
            "send": self.send,
            "confirm": self.confirm,
            "recreate": self.recreate,
            "name again": self.name_again,
            "leave": self.leave,
            "add": self.add,
        }[step]()

    async def finish(self) -> OperationRow | None:
        """Takes steps of the sweep until the operation has ended."""
        for _ in range(30):
            await self.look()
            row = await self.operation()
            if row is None or row.state != "running":
                return row
            await self.read()
            for _ in range(5):
                await self.send()
            await self.confirm()
        raise AssertionError("the operation does not end")

    async def live(self) -> set[str]:
        """Teams that are linked to the event."""
        _, links = await self.tenant.rows()
        return {link["child"] for link in links if link["parent"] == "e"}


histories = st.lists(st.sampled_from(STEPS), max_size=14)


@pytest.mark.parametrize(("policy", "seconds"), [(FINISH, 60), (STOP, -3600)], ids=["finish", "stop in an hour"])
@settings(in_a_database, max_examples=25)
@given(steps=histories, at_once=st.booleans())
async def test_all_children_of_the_ended_life_are_requested_and_no_others(
    tenant: StoreTenant, policy: OnRecreated, seconds: int, steps: list[str], at_once: bool
) -> None:
    play = Play(replace(tenant.other_tenant(), catalog=catalog(policy)), seconds)
    await play.begin(at_once=at_once)
    for step in steps:
        await play.take(step)
    await play.recreate()
    row = await play.finish()
    assert play.wrong == []
    assert play.old == set()
    assert await play.live() == play.new
    if row is not None:
        assert (row.state, row.requested, row.confirmed, row.parked) == ("done", len(play.sent), len(play.sent), 0)
        assert row.found == row.confirmed + row.skipped


@settings(in_a_database, max_examples=25)
@given(steps=histories, at_once=st.booleans())
async def test_no_child_is_requested_after_the_second_and_the_rest_is_counted(
    tenant: StoreTenant, steps: list[str], at_once: bool
) -> None:
    play = Play(replace(tenant.other_tenant(), catalog=catalog(STOP)), 60)
    await play.begin(at_once=at_once)
    for step in steps:
        await play.take(step)
    await play.recreate()
    row = await play.finish()
    assert play.wrong == []
    assert await play.live() == play.new | play.old
    if row is None:
        assert not play.sent
        assert not play.old
        return
    assert (row.state, row.requested, row.confirmed) == ("done", len(play.sent), len(play.sent))
    listed, _ = await listings.children_page(*play.at[::2], row.id, "skipped", None, 100)
    kept = {child.child for child in listed if child.skip_reason == "parent_recreated"}
    assert play.old <= kept  # others of them were named again, or left, after they had been skipped
    assert kept.isdisjoint(play.sent)
    assert row.ended_because == ("recreated_during_cascade" if kept else None)
    assert not kept or (row.end_details or {}).get("skipped") == len(kept)


@pytest.mark.parametrize("requested", [False, True])
async def test_sweep_that_begins_too_late_requests_nothing_and_counts_all_children(
    tenant: StoreTenant, requested: bool
) -> None:
    play = Play(replace(tenant, catalog=catalog(STOP)), 60)
    await tenant.record(event("EventCreated", "e", 1, name="e"))
    await tenant.record(*(event("TeamCreated", team, 1, name=team, event_id="e") for team in TEAMS))
    if requested:
        await deletions.start(*play.at, "event", "e", actor="test", idempotency_key=None)
        await play.look()
    await tenant.record(event("EventDeleted", "e", 2), event("EventCreated", "e", 3, name="again"))
    await play._created_again()
    status = await cascades.advance(*play.at, "event", "e")
    assert (status.operation, status.newer) == (None, False)
    row = await play.operation(None)
    assert row is not None
    assert (row.kind, row.state) == ("delete" if requested else "cascade", "done")
    assert (row.requested, row.skipped, row.ended_because) == (0, len(TEAMS), "recreated_during_cascade")


async def test_next_deletion_takes_over_the_children_of_the_life_before(tenant: StoreTenant) -> None:
    play = Play(replace(tenant, catalog=catalog(FINISH)), 60)
    await play.begin(at_once=True)
    await play.look()
    first = await play.operation()
    assert first is not None
    second = await deletions.start(*play.at, "event", "e", actor="test", idempotency_key=None)
    status = await cascades.advance(*play.at, "event", "e")
    assert status.deletion is not None
    assert status.operation is not None
    assert (status.deletion.id, status.operation.id, status.to_request) == (second.id, first.id, ("event_team",))
    await tenant.record(event("EventDeleted", "e", 4))
    status = await cascades.advance(*play.at, "event", "e")
    assert status.operation is not None
    assert (status.deletion, status.operation.id, status.to_request) == (None, second.id, ("event_team",))
    ended = await play.operation()
    assert ended is not None
    assert (ended.state, ended.ended_because) == ("done", "deleted_again")


@pytest.mark.parametrize("policy", [FINISH, STOP])
async def test_void_creation_begins_no_life(tenant: StoreTenant, policy: OnRecreated) -> None:
    play = Play(replace(tenant, catalog=catalog(policy)), 60)
    mistake = event("EventCreated", "e", 3, name="mistake")
    await tenant.record(event("EventCreated", "e", 1, name="e"), event("EventDeleted", "e", 2))
    await tenant.record(event("TeamCreated", "before", 1, name="before", event_id="e"), mistake)
    await play._shift()
    await voids.void(*play.at, "event", "e", mistake["source"], mistake["id"], "a mistake", "test")
    await tenant.record(event("TeamCreated", "between", 1, name="between", event_id="e"))
    await tenant.record(event("EventCreated", "e", 4, name="again"))
    await tenant.record(event("TeamCreated", "after", 1, name="after", event_id="e"))
    await play.look()
    await play.read()
    assert play.page is not None
    assert [candidate.child.key for candidate in play.page.candidates] == ["before", "between"]


async def test_nothing_follows_for_children_from_a_deletion_of_an_earlier_life(tenant: StoreTenant) -> None:
    play = Play(replace(tenant, catalog=catalog(FINISH)), 60)
    teams = [event("TeamCreated", team, 1, name=team, event_id="e") for team in TEAMS]
    await tenant.record(*teams)
    await tenant.record(event("EventCreated", "e", 3, name="e"))
    await tenant.record(event("EventDeleted", "e", 2))
    assert await play.tenant.pool.fetchval("select count(*) from outbox where workflow = 'cascade'") == 0
    await play.look()
    assert await play.operation() is None
    assert await play.live() == set(TEAMS)


@pytest.mark.parametrize(("second", "of_new_life"), [(9, False), (10, False), (11, True), (None, False)])
async def test_child_named_after_the_creation_by_time_is_of_the_new_life(
    tenant: StoreTenant, second: int | None, of_new_life: bool
) -> None:
    """Its fact has overtaken that of the creation, which another owner has published."""
    play = Play(replace(tenant, catalog=catalog(FINISH)), 60)
    times = [f"2026-01-01T10:00:{n:02}.5Z" for n in (0, 1, 5, 10)]
    time = None if second is None else f"2026-01-01T10:00:{second:02}.5Z"
    await tenant.record(event("EventCreated", "e", 1, time=times[0], name="e"))
    await tenant.record(event("TeamCreated", "old", 1, time=times[1], name="old", event_id="e"))
    await tenant.record(event("EventDeleted", "e", 2, time=times[2]))
    await tenant.record(event("TeamCreated", "new", 1, time=time, name="new", event_id="e"))
    await tenant.record(event("EventCreated", "e", 3, time=times[3], name="e"))
    await play.look()
    await play.read()
    assert play.page is not None
    assert [candidate.child.key for candidate in play.page.candidates] == (["old"] if of_new_life else ["new", "old"])
