"""An event with teams that is deleted and created again, played step by step."""

from dataclasses import dataclass, field, replace

from catalog.catalog import Catalog
from catalog.relationship import STOP, Cascade, OnRecreated
from contracts.teams import DeleteTeam
from store.db.pool import Pool
from store.operations import cascades, children, children_to_request, listings
from store.operations.children import ChildOutcome
from store.operations.children_to_request import CandidatePage
from store.operations.listings import OperationQuery
from store.operations.operation_row import OperationKind, OperationRow
from tests.support.events import event
from tests.support.tenants import CATALOG, StoreTenant

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
