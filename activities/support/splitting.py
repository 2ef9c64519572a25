"""Sends items in batches, and finds out which of them a receiver does not accept.

A batch that fails is sent again in halves, down to a single item. Items with the same subject arrive in order: once one
of them has failed, the later ones are held back behind it. An item that fails alone is to blame only if the receiver
accepts another one; if it accepts none of a few others, it is the receiver that fails, at everything.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateways.webhooks import WebhookAnswer

PROBES = 3
"""Items of other subjects that are tried, after one has failed, before the receiver itself is said to fail."""


class Deliverable(Protocol):
    """An item: ``id`` is its offset; of those with the same ``subject`` the order matters."""

    @property
    def id(self) -> str: ...
    @property
    def subject(self) -> str: ...


Post = Callable[[Sequence[int]], Awaitable[WebhookAnswer]]
"""Sends the items with these indexes, in this order, as one message."""


@dataclass(slots=True)
class Split:
    """What became of items, by their index. ``delivered``: accepted; ``dropped``: the receiver wants them dropped;
    ``failed``: refused, while others were accepted, or none was there to try; ``held``: behind a failed one.

    ``unavailable``: the answer of a receiver that failed at everything; ``several``: at items of different subjects;
    ``gone``: its answer if it wants nothing any more. What is in none of them was not sent, or is to be sent again.
    """

    delivered: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    failed: dict[int, WebhookAnswer] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    unavailable: WebhookAnswer | None = None
    several: bool = False
    gone: WebhookAnswer | None = None

    def add(self, later: "Split", start: int) -> None:
        """Adds what became of later items, of which the first has the index ``start`` here."""
        self.delivered |= {start + n for n in later.delivered}
        self.dropped |= {start + n for n in later.dropped}
        self.failed |= {start + n: answer for n, answer in later.failed.items()}
        self.held |= {start + n for n in later.held}
        self.unavailable, self.several, self.gone = later.unavailable, later.several, later.gone

    @property
    def alive(self) -> bool:
        """Whether the receiver has decided about an item: it took it, or wants it dropped."""
        return bool(self.delivered or self.dropped)


async def send(items: Sequence[Deliverable], post: Post, may_go_on: Callable[[], bool]) -> Split:
    """Sends items; returns what became of them. ``may_go_on``: False once there is no time for further requests."""
    sending = _Sending(items, post, may_go_on)
    await sending.send(range(len(items)))
    return sending.finished()


class _Sending:
    def __init__(self, items: Sequence[Deliverable], post: Post, may_go_on: Callable[[], bool]) -> None:
        self._items = items
        self._post = post
        self._may_go_on = may_go_on
        self._stopped = False
        self._failed_subjects: set[str] = set()
        self._split = Split()

    async def send(self, part: Sequence[int]) -> None:
        """Sends a part, as one message or in halves."""
        part = [n for n in part if n not in self._split.delivered and not self._is_held(n)]
        if not part or self._stopped:
            return
        answer = await self._answer(part)
        if self._stopped or answer.accepted:
            return
        if len(part) > 1:
            middle = len(part) // 2
            await self.send(part[:middle])
            await self.send(part[middle:])
        elif answer.abort:
            self._split.dropped.add(part[0])
        else:
            self._blame(part[0], answer)
            if not self._split.alive:
                await self._probe()

    async def _answer(self, part: Sequence[int]) -> WebhookAnswer:
        """Sends one message. Stops after an answer that is about the receiver and not about the message."""
        answer = await self._post(part)
        if answer.accepted:
            self._split.delivered.update(part)
        elif answer.status == 410:
            self._split.gone = answer
        elif not answer.sent or answer.status == 429 or answer.retry_after:
            self._split.unavailable = answer
            # An item cannot be to blame for a connection that was not made.
            self._split.several = not answer.sent or len({self._items[n].subject for n in part}) > 1
        self._stopped = bool(self._split.gone or self._split.unavailable) or not self._may_go_on()
        return answer

    def _blame(self, index: int, answer: WebhookAnswer) -> None:
        self._split.failed[index] = answer
        self._failed_subjects.add(self._items[index].subject)

    async def _probe(self) -> None:
        """Tries the first items of a few other subjects; the receiver fails if it accepts none of them."""
        first: dict[str, int] = {}
        for n, item in enumerate(self._items):
            if item.subject not in self._failed_subjects:
                first.setdefault(item.subject, n)
        others = list(first.values())
        chosen = others[:: max(1, -(-len(others) // PROBES))][:PROBES]
        answer = next(iter(self._split.failed.values()))
        for n in chosen:
            answer = await self._answer([n])
            if answer.abort and not answer.accepted and not self._stopped:
                self._split.dropped.add(n)
            if self._split.alive or self._stopped:
                return
            self._blame(n, answer)
        if chosen:
            self._split.unavailable, self._split.several, self._stopped = answer, True, True

    def _is_held(self, index: int) -> bool:
        held = self._items[index].subject in self._failed_subjects and index not in self._split.failed
        if held:
            self._split.held.add(index)
        return held or index in self._split.failed or index in self._split.dropped

    def finished(self) -> Split:
        """The outcome; nothing is held or has failed by itself if the receiver fails at everything."""
        split = self._split
        if (split.unavailable or split.gone) and not split.alive:
            split.failed.clear()
            split.held.clear()
        return split
