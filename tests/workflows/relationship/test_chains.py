"""Many to many: a user is in many groups, a group has many users, and each pair lives and ends by itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from examples.channels.service import CHANNELS
from examples.groups.service import GROUPS
from tests.support.festival import Festival
from tests.support.harness import House, until

pytestmark = pytest.mark.stack

USERS, CLUBS = ("ann", "bob", "cid"), ("chess", "rowing", "books")


@pytest.fixture
async def clubs(house: House, tmp_path: Path) -> AsyncIterator[Festival]:
    """Groups and channels, and everything of Tether's."""
    festival = Festival(house, tmp_path, {"groups": GROUPS, "channels": CHANNELS})
    async with festival.running(), house.open():
        yield festival


async def in_channels(clubs: Festival) -> set[tuple[str, str]]:
    """(name of the channel, user), as Channels has it."""
    channels = (await clubs.client["channels"].get("/channels")).json()["items"]
    found = set()
    for channel in channels:
        members = (await clubs.client["channels"].get(f"/channels/{channel['id']}/members")).json()["items"]
        found |= {(channel["name"], member["user"]) for member in members}
    return found


async def becomes(clubs: Festival, pairs: set[tuple[str, str]]) -> None:
    async def so() -> bool:
        return await in_channels(clubs) == pairs

    await until(so)


async def test_each_pair_of_a_user_and_a_group_is_followed_by_itself(clubs: Festival) -> None:
    pairs = {(club, user) for club in CLUBS for user in USERS}
    for club, user in sorted(pairs):  # before its group, which has a channel later still
        await clubs.house.tell(membership(club, user))
    for club in CLUBS:
        await clubs.do("groups", "POST", "/groups", id=club, name=club)
    await becomes(clubs, pairs)
    links = await clubs.house.links("group_membership")
    assert {(parent, child.partition("/")[2]) for child, parent in links.items()} == pairs

    await clubs.house.tell(left("chess", "ann"))
    pairs -= {("chess", "ann")}
    await becomes(clubs, pairs)
    await clubs.do("groups", "DELETE", "/groups/rowing")
    pairs -= {("rowing", user) for user in USERS}
    await becomes(clubs, pairs)

    async def all_is_done() -> bool:
        return await clubs.effects("channels") >= 3 + 9 + 1 + 1 + 3

    await until(all_is_done)  # channels made, users let in, ann taken out; rowing closed, and three taken out of it
    assert await clubs.effects("channels") == 17


async def test_what_channels_takes_away_by_itself_is_asked_for_anew(clubs: Festival) -> None:
    """Under a new key, or Channels would answer as it did the first time."""
    await clubs.do("groups", "POST", "/groups", id="chess", name="chess")
    await clubs.do("groups", "POST", "/groups/chess/members", user="ann")
    await becomes(clubs, {("chess", "ann")})
    for effects in (3, 4):

        async def is_known() -> bool:
            return len(await clubs.house.links("membership")) == 1

        await until(is_known)
        (channel,) = (await clubs.client["channels"].get("/channels")).json()["items"]
        await clubs.do("channels", "DELETE", f"/channels/{channel['id']}/members/ann")

        async def asked_anew(effects: int = effects) -> bool:
            return await clubs.effects("channels") == effects

        await until(asked_anew)
        await becomes(clubs, {("chess", "ann")})


async def test_a_channel_that_channels_takes_away_is_made_anew_with_its_users(clubs: Festival) -> None:
    await clubs.do("groups", "POST", "/groups", id="chess", name="chess")
    await clubs.do("groups", "POST", "/groups/chess/members", user="ann")
    await becomes(clubs, {("chess", "ann")})
    (first,) = (await clubs.client["channels"].get("/channels")).json()["items"]

    async def is_known() -> bool:
        return len(await clubs.house.links("membership")) == 1

    await until(is_known)
    await clubs.do("channels", "DELETE", f"/channels/{first['id']}")
    await becomes(clubs, {("chess", "ann")})
    (second,) = (await clubs.client["channels"].get("/channels")).json()["items"]
    assert first["id"] != second["id"]


async def test_who_waits_in_a_group_without_channel_and_goes_to_one_that_has_it_is_let_in(clubs: Festival) -> None:
    await clubs.do("groups", "POST", "/groups", id="chess", name="chess")

    async def has_a_channel() -> bool:
        return len(await clubs.house.links("group_channel")) == 1

    await until(has_a_channel)
    await clubs.house.tell(membership("nowhere", "ann", key="m1"))

    async def waits() -> bool:
        wait = await clubs.house.wait("membership", "m1")
        return wait is not None and wait["note"] == "group_channel comes first"

    await until(waits)
    await clubs.house.tell(membership("chess", "ann", 2, key="m1"))
    await becomes(clubs, {("chess", "ann")})


def membership(club: str, user: str, sequence: int = 1, *, key: str = "") -> dict[str, object]:
    """What Groups tells of a user who joined; ``key``: of the membership, if not of the pair."""
    subject = key or f"{club}/{user}"
    told = {"specversion": "1.0", "source": "/groups", "type": "GroupMemberAdded.v1", "subject": subject}
    return {**told, "id": f"+{club}/{user}", "sequence": str(sequence), "data": {"group": club, "user": user}}


def left(club: str, user: str) -> dict[str, object]:
    """What Groups tells of a user who left."""
    told = {"specversion": "1.0", "source": "/groups", "type": "GroupMemberRemoved.v1", "subject": f"{club}/{user}"}
    return {**told, "id": f"-{club}/{user}", "sequence": "2", "data": {}}
