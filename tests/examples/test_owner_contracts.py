"""The example owners match their contracts: they accept every declared command, and publish declared facts."""

from contextlib import AsyncExitStack
from pathlib import Path
from string import Formatter

import httpx2
import pytest

from catalog.catalog import Catalog
from catalog.vocabulary import Command
from contracts.channels import AddChannelMember, CreateChannel, DeleteChannel, RemoveChannelMember
from contracts.events import DeleteEvent
from contracts.groups import DeleteGroup, RemoveGroupMember
from contracts.people import ErasePerson, RetirePerson
from contracts.teams import DeleteTeam, MoveTeam, WithdrawTeam
from contracts.tickets import AssignTicket, RemoveTicket
from examples.activities.service import ACTIVITIES
from examples.channels.service import CHANNELS
from examples.events.service import EVENTS
from examples.groups.service import GROUPS
from examples.owner.testing import RecordingTether, inside
from examples.people.service import PEOPLE
from examples.teams.service import TEAMS
from examples.tickets.service import TICKETS
from examples.users.service import USERS

OWNERS = {
    "groups": GROUPS,
    "channels": CHANNELS,
    "events": EVENTS,
    "teams": TEAMS,
    "people": PEOPLE,
    "tickets": TICKETS,
    "activities": ACTIVITIES,
    "users": USERS,
}
SETTING: dict[str, list[tuple[str, dict[str, str]]]] = {
    "groups": [
        ("/groups", {"id": "k", "name": "Red"}),
        ("/groups/k/members", {"user": "ann"}),
    ],
    "channels": [
        ("/channels", {"id": "k", "name": "Red"}),
        ("/channels/k/members", {"user": "ann"}),
    ],
    "events": [("/events", {"id": "k", "name": "Red"})],
    "teams": [("/teams", {"id": "k", "name": "Red", "event_id": "a"})],
    "people": [("/people", {"id": "k", "name": "Ann"}), ("/people", {"id": "ann@example.org", "name": "Ann"})],
    "tickets": [("/tickets", {"id": "k", "subject": "Help", "person_id": "a"})],
    "activities": [("/activities", {"id": "k", "person_id": "a", "what": "called", "time": "2026-01-31T12:00:00Z"})],
    "users": [
        ("/users", {"id": "k", "name": "Ann", "email": "ann@example.org", "phone": "1", "birthday": "2000-01-31"})
    ],
}
COMMANDS: dict[str, list[Command]] = {
    "groups": [RemoveGroupMember(group="k", user="ann"), DeleteGroup(group_id="k")],
    "channels": [
        CreateChannel(name="Blue"),
        AddChannelMember(channel="k", user="bob"),
        RemoveChannelMember(channel="k", user="ann"),
        DeleteChannel(channel_id="k"),
    ],
    "events": [DeleteEvent(event_id="k")],
    "teams": [
        MoveTeam(team_id="k", event_id="b", still_in="a"),
        WithdrawTeam(team_id="k", still_in="b"),
        DeleteTeam(team_id="k"),
    ],
    "people": [ErasePerson(person_id="k"), RetirePerson(person_id="k", survivor="ann@example.org")],
    "tickets": [
        AssignTicket(ticket_id="k", person_id="b", still_of="a"),
        RemoveTicket(ticket_id="k", still_of="b"),
    ],
    "activities": [],
    "users": [],
}


def request(command: Command) -> httpx2.Request:
    """The HTTP request of a command: fields of the path, and the others as the body, or as the query of a DELETE."""
    fields = command.model_dump()
    named = {name: fields.pop(name) for _, name, _, _ in Formatter().parse(command.path) if name}
    url = "http://x" + command.path.format(**named)
    if command.method == "DELETE":
        given = {name: value for name, value in fields.items() if value is not None}
        return httpx2.Request("DELETE", url, params=given)
    return httpx2.Request(command.method, url, json=fields)


@pytest.fixture(params=OWNERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_declared_command_of_the_owner_is_tested(catalog: Catalog, name: str) -> None:
    declared = {command for command, owner in catalog.contracts.commands.items() if owner == name}
    assert {command.__name__ for command in declared} == {type(command).__name__ for command in COMMANDS[name]}


async def test_declared_commands_succeed_and_publish_declared_facts(
    catalog: Catalog, name: str, tmp_path: Path, tether: RecordingTether
) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(inside(OWNERS[name], tmp_path / "owner.db", tether))
        for path, body in SETTING[name]:
            assert (await client.post(path, json=body)).status_code == 201
        for command in COMMANDS[name]:
            answer = await client.send(request(command))
            assert answer.is_success, (command, answer.text)
        facts = await tether.heard(len(SETTING[name]) + len(COMMANDS[name]))
    for fact in facts:
        contract = catalog.contracts.by_type[fact["type"]]
        assert contract.owner == name
        assert set(fact["data"]) <= set(contract.model.model_fields)
        contract.model.model_validate(fact["data"])
