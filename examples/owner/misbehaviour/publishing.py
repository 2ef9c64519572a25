"""Facts that are published twice or out of order.

The outbox is not changed: a fact that is kept back stays in it unmarked, so that a crash loses no fact. A repeated fact
was marked when it was first accepted; a crash loses only the repetition.
"""

from collections.abc import Sequence

from examples.owner.misbehaviour.settings import Misbehaviour
from examples.owner.outbox import Pending

LATEST = 3
"""Most rounds for which a fact is kept back, or after which it is sent again."""

TIMEOUT = 0.1
"""Seconds after which a round ends in which nothing was sent or committed."""


class Publishing:
    """Chooses what a relay sends in each of its rounds."""

    def __init__(self, misbehaviour: Misbehaviour) -> None:
        self._misbehaviour = misbehaviour
        self._round = 0
        self._kept: dict[int, int] = {}  # position in the outbox -> round in which it is sent
        self._again: list[tuple[int, Pending]] = []  # (round in which it is sent, fact)

    def arranged(self, waiting: Sequence[Pending]) -> list[Pending]:
        """The facts to send in this round. Each waiting fact is sent within ``LATEST`` rounds."""
        self._round += 1
        in_order, moved = self._sorted_out(waiting)
        repeated = self._repeated()
        self._repeat_later([*in_order, *moved])
        for fact in [*moved, *repeated]:
            in_order.insert(self._misbehaviour.up_to(len(in_order)), fact)
        return in_order

    def _sorted_out(self, waiting: Sequence[Pending]) -> tuple[list[Pending], list[Pending]]:
        """The facts to send now: (those in their order, those at a random place)."""
        chance, share = self._misbehaviour, self._misbehaviour.settings.reordered
        earlier, self._kept = self._kept if share else {}, {}
        in_order: list[Pending] = []
        moved: list[Pending] = []
        for fact in waiting:
            due = earlier.get(fact.position)
            if due is None and chance.strikes("reordered", share):
                due = self._round + (0 if chance.tossed() else self._later())
            if due is None:
                in_order.append(fact)
            elif due <= self._round:
                moved.append(fact)
            else:
                self._kept[fact.position] = due
        return in_order, moved

    def _repeated(self) -> list[Pending]:
        """The facts to send again now."""
        if not self._misbehaviour.settings.duplicated:
            self._again.clear()
        due = [fact for round_, fact in self._again if round_ <= self._round]
        self._again = [(round_, fact) for round_, fact in self._again if round_ > self._round]
        return due

    def _repeat_later(self, facts: Sequence[Pending]) -> None:
        chance, share = self._misbehaviour, self._misbehaviour.settings.duplicated
        self._again += [(self._round + self._later(), fact) for fact in facts if chance.strikes("duplicated", share)]

    def _later(self) -> int:
        return 1 + self._misbehaviour.up_to(LATEST - 1)
