"""Many to many: a user is in many groups, a group has many users, and each pair is an entity of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.channels.service import CHANNELS
from examples.groups.service import GROUPS
from tests.support.eventually import eventually
from tests.support.harness import Harness
from tests.support.scenario import Scenario

pytestmark = pytest.mark.stack

USERS, CLUBS = ("ann", "bob", "cid"), ("chess", "rowing", "books")


@pytest.fixture
async def clubs(harness: Harness, tmp_path: Path) -> AsyncIterator[Scenario]:
    """Runs the owners of groups and channels, and all processes of Tether."""
    scenario = Scenario(harness, tmp_path, {"groups": GROUPS, "channels": CHANNELS})
    async with scenario.running(), harness.running():
        yield scenario


async def in_channels(clubs: Scenario) -> set[tuple[str, str]]:
    """Returns the pairs (name of the channel, user), as read from Channels."""
    channels = (await clubs.client["channels"].get("/channels")).json()["items"]
    found = set()
    for channel in channels:
        members = (await clubs.client["channels"].get(f"/channels/{channel['id']}/members")).json()["items"]
        found |= {(channel["name"], member["user"]) for member in members}
    return found


async def wait_for_members(clubs: Scenario, pairs: set[tuple[str, str]]) -> None:
    """Waits until Channels has exactly these pairs (name of the channel, user)."""

    async def equal() -> bool:
        return await in_channels(clubs) == pairs

    await eventually(equal)


async def test_each_membership_has_a_channel_member_of_its_own(clubs: Scenario) -> None:
    pairs = {(club, user) for club in CLUBS for user in USERS}
    for club, user in sorted(pairs):  # before the group, and so before its channel
        await clubs.harness.record(membership(club, user))
    for club in CLUBS:
        await clubs.request_owner("groups", "POST", "/groups", id=club, name=club)
    await wait_for_members(clubs, pairs)
    links = await clubs.harness.links("group_membership")
    assert {(parent, child.partition("/")[2]) for child, parent in links.items()} == pairs

    await clubs.harness.record(left("chess", "ann"))
    pairs -= {("chess", "ann")}
    await wait_for_members(clubs, pairs)
    await clubs.request_owner("groups", "DELETE", "/groups/rowing")
    pairs -= {("rowing", user) for user in USERS}
    await wait_for_members(clubs, pairs)

    async def all_is_done() -> bool:
        return await clubs.effects("channels") >= 3 + 9 + 1 + 1 + 3

    await eventually(
        all_is_done
    )  # 3 channels created, 9 users added, ann removed; the channel of rowing deleted, its 3 users removed
    assert await clubs.effects("channels") == 17


async def test_membership_removed_by_channels_is_requested_again(clubs: Scenario) -> None:
    """With a new Idempotency-Key: with the old one, Channels would answer as it did the first time."""
    await clubs.request_owner("groups", "POST", "/groups", id="chess", name="chess")
    await clubs.request_owner("groups", "POST", "/groups/chess/members", user="ann")
    await wait_for_members(clubs, {("chess", "ann")})
    for effects in (3, 4):

        async def is_known() -> bool:
            return len(await clubs.harness.links("membership")) == 1

        await eventually(is_known)
        (channel,) = (await clubs.client["channels"].get("/channels")).json()["items"]
        await clubs.request_owner("channels", "DELETE", f"/channels/{channel['id']}/members/ann")

        async def requested_again(effects: int = effects) -> bool:
            return await clubs.effects("channels") == effects

        await eventually(requested_again)
        await wait_for_members(clubs, {("chess", "ann")})


async def test_channel_removed_by_channels_is_requested_again_with_users(clubs: Scenario) -> None:
    await clubs.request_owner("groups", "POST", "/groups", id="chess", name="chess")
    await clubs.request_owner("groups", "POST", "/groups/chess/members", user="ann")
    await wait_for_members(clubs, {("chess", "ann")})
    (first,) = (await clubs.client["channels"].get("/channels")).json()["items"]

    async def is_known() -> bool:
        return len(await clubs.harness.links("membership")) == 1

    await eventually(is_known)
    await clubs.request_owner("channels", "DELETE", f"/channels/{first['id']}")
    await wait_for_members(clubs, {("chess", "ann")})
    (second,) = (await clubs.client["channels"].get("/channels")).json()["items"]
    assert first["id"] != second["id"]


async def test_waiting_member_moved_to_group_with_channel_is_requested(clubs: Scenario) -> None:
    await clubs.request_owner("groups", "POST", "/groups", id="chess", name="chess")

    async def has_a_channel() -> bool:
        return len(await clubs.harness.links("group_channel")) == 1

    await eventually(has_a_channel)
    await clubs.harness.record(membership("nowhere", "ann", key="m1"))

    async def waits() -> bool:
        wait = await clubs.harness.find_wait("membership", "m1")
        return wait is not None and wait["missing_links"] == ["group_channel"]

    await eventually(waits)
    await clubs.harness.record(membership("chess", "ann", 2, key="m1"))
    await wait_for_members(clubs, {("chess", "ann")})


def membership(club: str, user: str, sequence: int = 1, *, key: str = "") -> dict[str, object]:
    """Builds the fact that a user joined a group. ``key``: of the membership, by default made of the pair."""
    subject = key or f"{club}/{user}"
    fact = {"specversion": "1.0", "source": "/groups", "type": "GroupMemberAdded.v1", "subject": subject}
    return {**fact, "id": f"+{club}/{user}", "sequence": str(sequence), "data": {"group": club, "user": user}}


def left(club: str, user: str) -> dict[str, object]:
    """Builds the fact that a user left a group."""
    fact = {"specversion": "1.0", "source": "/groups", "type": "GroupMemberRemoved.v1", "subject": f"{club}/{user}"}
    return {**fact, "id": f"-{club}/{user}", "sequence": "2", "data": {}}
