"""Situation 6, second half: consumers of items and categories: new, slow, away for a week, away for too long."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2

from examples.demo.item_history import BATCH, ItemHistory
from examples.demo.link_table import LinkTable
from examples.demo.passing_time import pass_time, trim
from examples.demo.stage import Stage
from examples.demo.tether import Json, TetherClient
from tether.consumer import Follower, Superseded

REL = "category_item"
CATALOGUE = "catalogue"
"""A tenant of its own, whose past can be trimmed."""
SEED = 6
CHANGES = 150
"""Items that are updated in each scene."""
WEEK = timedelta(days=7)


@dataclass
class ItemConsumer:
    """A registered consumer with a copy of the links between items and categories."""

    name: str
    tether: TetherClient
    http: httpx2.AsyncClient
    table: LinkTable = field(default_factory=LinkTable)

    async def register(self) -> None:
        """Registers it."""
        body = {"filter": {"relationship": REL}, "offset": "now"}
        await self.tether.request("PUT", f"consumers/{self.name}", "admin", body=body)

    async def begin(self) -> Follower:
        """A process that has just taken the copy over."""
        follower = Follower(self.table, self.http, {"relationship": REL}, consumer=self.name, page=50, poll=0.1)
        await follower.take_over()
        return follower

    async def catch_up(self) -> Follower:
        """Begins a process, and lets it read until nothing is left."""
        follower = await self.begin()
        while True:
            await follower.step()
            if (await self.shown())["state"] == "current":
                return follower

    async def shown(self) -> Json:
        """The consumer as Tether knows it."""
        return await self.tether.request("GET", f"consumers/{self.name}")

    async def differing(self) -> list[str]:
        """Items whose row is not the link that Tether has, and rows of no link."""
        links = await self.tether.links(REL)
        there = {link["child"]: (link["parent"], link["state"]) for link in links}
        here = {child: (parent, state) for child, parent, state in self.table.rows}
        return sorted(child for child in here.keys() | there.keys() if here.get(child) != there.get(child))


async def play(on: Stage) -> None:
    """Publishes items and categories out of order, to consumers in all conditions."""
    on.play.situation(
        "Consumers of categories and items",
        "All consumers get the same, whatever order facts arrive in, whenever they begin, however long they are away.",
    )
    made = await on.command.answer("keys", "create", "demo", "--scope", "admin", "--tenant", CATALOGUE)
    keys = {"admin": made["key"]}
    headers = {"authorization": f"Bearer {made['key']}"}
    async with (
        TetherClient(on.where.api, keys) as tether,
        httpx2.AsyncClient(base_url=on.where.api, headers=headers, timeout=60, trust_env=False) as http,
    ):
        search, advice = ItemConsumer("search", tether, http), ItemConsumer("advice", tether, http)
        history = ItemHistory(tether, random.Random(SEED))
        await new_while_facts_arrive(on, history, search)
        await one_more_and_slow(on, history, search, advice)
        await away_for_a_week(on, history, advice)
        await past_the_horizon(on, history, search, advice)
        await handed_over(on, history, search)
        await removed(on, tether, advice)


async def new_while_facts_arrive(on: Stage, history: ItemHistory, search: ItemConsumer) -> None:
    """A new consumer takes a snapshot and hands over to the live feed, while facts arrive in random order."""
    facts = history.beginning()
    half = len(facts) // 2
    on.play.say(f"{len(facts)} facts about items and categories, in random order: items before their categories, too")
    await history.publish(facts[:half])
    await search.register()
    on.play.say("half of them are recorded; the consumer search is new, and begins while the others arrive")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(history.publish(facts[half:]))
        await search.catch_up()
    await search.catch_up()
    on.play.check("rows of search that differ from Tether's links", [], await search.differing())
    states = [state for _, _, state in search.table.rows]
    wanted = history.states()
    on.play.check("links by state", wanted, {state: states.count(state) for state in wanted})


async def one_more_and_slow(on: Stage, history: ItemHistory, search: ItemConsumer, advice: ItemConsumer) -> None:
    """Another consumer is added, and falls behind; the first one is not delayed."""
    await advice.register()
    await advice.catch_up()
    on.play.say("the consumer advice is added")
    on.play.check("whether both copies are the same", True, search.table.rows == advice.table.rows)
    on.play.say(f"{CHANGES} items move to other categories; search reads on, advice does not")
    await history.move(CHANGES)
    await search.catch_up()
    on.play.check("rows of search that differ from Tether's links", [], await search.differing())
    found = await advice.shown()
    on.play.check("state of advice, and revisions that it is behind", ("behind", CHANGES // BATCH), lagging(found))


async def away_for_a_week(on: Stage, history: ItemHistory, advice: ItemConsumer) -> None:
    """A consumer is offline for a week, which is skipped, and comes back to its position."""
    await pass_time(on.where.database, CATALOGUE, WEEK)
    on.play.say("a week passes")
    found = await advice.shown()
    on.play.check("state of advice, and days that it is behind", ("at-risk", 7), (found["state"], days(found)))
    await history.move(CHANGES)
    before = edition(advice)
    await advice.catch_up()
    on.play.check("after its return, rows of advice that differ", [], await advice.differing())
    on.play.check("snapshots that it needed for that", 0, edition(advice) - before)


async def past_the_horizon(on: Stage, history: ItemHistory, search: ItemConsumer, advice: ItemConsumer) -> None:
    """A consumer is away for longer than the past is kept: it is answered 410, and starts over from a snapshot."""
    await history.move(CHANGES)
    await search.catch_up()
    await pass_time(on.where.database, CATALOGUE, 2 * WEEK)
    await history.move(1)
    trimmed = await trim(on.where.database, CATALOGUE, WEEK)
    on.play.say(f"two more weeks pass, in which advice reads nothing; {trimmed} rows older than a week are trimmed")
    found = await advice.shown()
    on.play.check("state of advice", "expired", found["state"])
    query = {"relationship": REL, "offset": found["offset"]}
    answer = await advice.http.get("/v1/feed", params=query)
    resync = f"/v1/snapshots?relationship={REL}"
    on.play.check("answer of the feed at its position", (410, resync), (answer.status_code, answer.json()["resync"]))
    before, rows = edition(advice), advice.table.rows
    follower = await advice.begin()
    await follower.step()  # 410
    on.play.check("whether its readers still see the former edition", True, advice.table.rows == rows)
    await advice.catch_up()
    on.play.check("snapshots that it needed", 1, edition(advice) - before)
    await search.catch_up()
    on.play.check("rows that differ: search, advice", [[], []], [await search.differing(), await advice.differing()])


async def handed_over(on: Stage, history: ItemHistory, search: ItemConsumer) -> None:
    """A second process of the same consumer takes over; the first one writes nothing any more."""
    first = await search.catch_up()
    second = await search.begin()
    await history.move(CHANGES)
    on.play.say("a second process of search takes over, while the first one still runs")
    try:
        await first.step()
        ended = "it wrote"
    except Superseded:
        ended = "superseded"
    on.play.check("what becomes of the first process", "superseded", ended)
    on.play.say("the category that was missing all the time is published; the second process reads on")
    await history.publish_missing()
    while (await search.shown())["state"] != "current":
        await second.step()
    on.play.check("rows of search that differ from Tether's links", [], await search.differing())
    on.play.check("rows that wait for a category", [], [row for row in search.table.rows if row[2] == "waiting"])


async def removed(on: Stage, tether: TetherClient, advice: ItemConsumer) -> None:
    """A consumer that is not needed any more is removed."""
    await advice.http.delete(f"/v1/consumers/{advice.name}")
    left = [one["name"] for one in (await tether.request("GET", "consumers"))["items"]]
    on.play.check("consumers, after advice was removed", ["search"], left)


def edition(consumer: ItemConsumer) -> int:
    """The number of snapshots that its copy was loaded from."""
    return consumer.table.edition


def lagging(found: Json) -> tuple[str, int]:
    """State of a consumer, and the revisions that it is behind."""
    return found["state"], found["lag"]["revisions"]


def days(found: Json) -> int:
    """Whole days that a consumer is behind."""
    return int(found["lag"]["seconds"] // 86400)
