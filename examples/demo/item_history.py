"""Facts about items and categories, in any order, with what must come of them."""

import random
from collections import Counter
from collections.abc import Sequence

from examples.demo.categories_and_items import category, item
from examples.demo.tether import Json, TetherClient, fact

CATEGORIES, ITEMS = 12, 400
REMOVED, MISSING = "c0", "lost"
"""A category that is removed; one about which no fact is published until the end."""
BATCH = 25
"""Facts published at a time, each time in a revision of its own."""


class ItemHistory:
    """What is published. ``dice``: decides categories and order."""

    def __init__(self, tether: TetherClient, dice: random.Random) -> None:
        self._tether = tether
        self._dice = dice
        self._categories = [*(f"c{n}" for n in range(CATEGORIES)), MISSING]
        self._in = {f"i{n}": dice.choice(self._categories) for n in range(ITEMS)}
        self._sequences = dict.fromkeys(self._in, 1)

    def beginning(self) -> list[Json]:
        """Facts that add all items and categories, and remove one of these, in random order."""
        facts = [category("CategoryAdded", key, 1, key.title()) for key in self._categories if key != MISSING]
        facts.append(fact("categories", "CategoryRemoved.v1", REMOVED, 2))
        facts += [item(key, f"Item {key}", at) for key, at in self._in.items()]
        self._dice.shuffle(facts)
        return facts

    async def publish(self, facts: Sequence[Json]) -> None:
        """Publishes facts of both owners, some at a time."""
        for n in range(0, len(facts), BATCH):
            await self._tether.publish(*facts[n : n + BATCH], scope="admin")

    async def move(self, count: int) -> None:
        """Lets so many items be updated, each with another category than before."""
        facts = []
        for key in self._dice.sample([*self._in], count):
            self._in[key] = self._dice.choice([one for one in self._categories if one != self._in[key]])
            self._sequences[key] += 1
            facts.append(fact("items", "ItemUpdated.v1", key, self._sequences[key], {"category": self._in[key]}))
        await self.publish(facts)

    async def publish_missing(self) -> None:
        """Publishes the fact about the category that was missing."""
        await self.publish([category("CategoryAdded", MISSING, 1, "Found")])

    def states(self) -> dict[str, int]:
        """How many links have each state."""
        special = {REMOVED: "broken", MISSING: "waiting"}
        return dict(Counter(special.get(at, "linked") for at in self._in.values()))
