"""One step of the deliveries to a consumer: consent, an item whose turn has come, or the next page of the feed."""

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Any, NamedTuple

import orjson

from activities.support import splitting
from activities.support.splitting import Post, Split
from catalog.catalog import Catalog
from errors import BadToken, Expired, Unknown
from gateways.webhooks import Delivery, WebhookAnswer, Webhooks
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.deliveries.runs import AttemptOutcome, Failure, Look, PageProgress, ReceiverAttempt, Runs, Undelivered
from store.read import feed, feed_query
from store.read.feed_events import event
from store.read.feed_items import FeedItem
from store.read.feed_offsets import FeedPosition, decode, encode

BATCH_TYPE = "application/cloudevents-batch+json"
FILTERS = ("relationship", "kind", "parent", "replica", "filters", "changes")
"""What a consumer's filter may name."""
GONE = "the receiver wants no more deliveries"
SPLITTING = 240.0
"""Seconds after the end of a step for which a batch that fails is split: long enough to say what it fails at, though
each request takes its whole timeout."""
READ = 1_000
"""Items that are read together. The position moves once for all of them, and the last ones may be sent again."""
SEARCHED = 1_000
"""Items that are read at a time to find the one with an id."""


class FeedMessage(NamedTuple):
    """An item of the feed as it is delivered. ``read_after``: an offset after which it is read again."""

    id: str
    subject: str
    body: bytes
    read_after: str


class Delivering:
    """Delivers to one consumer. ``until``: the monotonic time after which no further request begins; ``delivered``: how
    many items the receiver has accepted."""

    def __init__(self, pool: Pool, catalog: Catalog, webhooks: Webhooks, runs: Runs, until: float) -> None:
        self._pool = pool
        self._catalog = catalog
        self._webhooks = webhooks
        self._runs = runs
        self._until = until
        self._began = monotonic()
        self._retried = False
        self.delivered = 0

    def page_is_next(self, look: Look) -> bool:
        """Whether a page has its turn, after an item that was retried: many of these delay no other subject."""
        return self._retried and _follows(look)

    async def step(self, look: Look) -> bool:
        """Does what is due, items to retry and pages in turns; returns whether there was anything, and more may be."""
        self._began = monotonic()
        if look.state != "active" or (look.retry_at is not None and look.retry_at > look.now):
            return False
        try:
            if not look.consented:
                await self._request_consent(look)
            elif look.item is not None and not self.page_is_next(look):
                self._retried = True
                await self._retry(look)
            elif _follows(look):
                self._retried = False
                await self._deliver_page(look)
            else:
                return False
        except Expired as error:
            await self._runs.disable(look, str(error))
        except (Unknown, BadToken) as error:  # of the filter: a worker of another version may know what it names
            await self._runs.failed(look, Failure(str(error), several=False))
        return True

    async def _request_consent(self, look: Look) -> None:
        answer = await self._webhooks.request_consent(look.url, look.now)
        attempt = self._attempt([], "consented" if answer.accepted else "refused", answer)
        if answer.accepted:
            await self._runs.consented(look, attempt)
        else:
            await self._runs.failed(look, Failure(f"consent: {answer}", True, answer.retry_after, [attempt]))

    async def _retry(self, look: Look) -> None:
        """Delivers one item again, alone."""
        assert look.item is not None
        assert look.read_after is not None
        try:
            message = await self._find(look, look.item, look.read_after)
        except Expired:
            message = None
        if message is None:
            gone = ReceiverAttempt(look.item, look.item, 1, "dropped", None, "the feed does not have it any more", 0)
            await self._runs.removed(look, look.item, gone, kept=False)
            return
        answer = await self._post(look, [message])
        attempt = self._attempt([message], _outcome(answer), answer)
        if answer.accepted or answer.abort:
            self.delivered += answer.accepted
            await self._runs.removed(look, look.item, attempt)
        elif answer.status == 410:
            await self._runs.disable(look, GONE, str(answer), [attempt])
        elif not answer.sent or answer.status == 429:
            await self._runs.failed(look, Failure(str(answer), not answer.sent, answer.retry_after, [attempt]))
        else:
            await self._runs.item_failed(look.item, attempt, answer.retry_after)

    async def _deliver_page(self, look: Look) -> None:
        """Delivers the next items of the feed. Those whose subject has an undelivered item are held back behind it."""
        size = max(look.batch, READ)
        messages, end = await self._read(look, decode(self._runs.tenant, look.position), size)
        waiting = await self._runs.held([m.subject for m in messages]) if messages else set()
        sending = [m for m in messages if m.subject not in waiting]
        attempts: list[ReceiverAttempt] = []

        async def post(part: Sequence[int]) -> WebhookAnswer:
            chosen = [sending[n] for n in part]
            begun = monotonic()
            answer = await self._post(look, chosen, begun)
            outcome = _outcome(answer) if len(chosen) == 1 or answer.accepted else "failed"
            attempts.append(self._attempt(chosen, outcome, answer, begun))
            return answer

        split = await self._send(sending, post, look.batch)
        self.delivered += len(split.delivered)
        await self._store(look, messages, sending, split, end, attempts)

    async def _send(self, sending: Sequence[FeedMessage], post: Post, batch: int) -> Split:
        """Sends items in messages of ``batch``, until one is not accepted or the time is over."""
        split = Split()
        for start in range(0, len(sending), batch):

            async def shifted(part: Sequence[int], start: int = start) -> WebhookAnswer:
                return await post([start + n for n in part])

            some = sending[start : start + batch]
            found = await splitting.send(some, shifted, lambda: monotonic() < self._until + SPLITTING)
            split.add(found, start)
            if len(found.delivered) < len(some) or monotonic() >= self._until:
                break
        return split

    async def _store(
        self,
        look: Look,
        messages: Sequence[FeedMessage],
        sending: Sequence[FeedMessage],
        split: Split,
        end: FeedPosition,
        attempts: Sequence[ReceiverAttempt],
    ) -> None:
        """Stores what became of a page: the position moves up to the first item that was not processed."""
        failure = _failure(look, split)
        if failure is not None and not split.alive:
            await self._runs.failed(look, failure._replace(attempts=attempts))
            return
        untouched = {
            m.id
            for n, m in enumerate(sending)
            if n not in split.delivered and n not in split.dropped and n not in split.failed and n not in split.held
        }
        answers = {sending[n].id: answer for n, answer in split.failed.items()}
        done = {sending[n].id for n in split.delivered | split.dropped}
        processed = next((n for n, m in enumerate(messages) if m.id in untouched), len(messages))
        undelivered = [_undelivered(m, answers.get(m.id)) for m in messages[:processed] if m.id not in done]
        position = end if processed == len(messages) else decode(self._runs.tenant, messages[processed].read_after)
        suspected = str(next(iter(split.failed.values()))) if split.failed and not split.alive else ""
        if split.gone is None or processed:
            progress = PageProgress(position, split.alive, suspected, undelivered, attempts)
            if not await self._runs.advance(look, progress):
                return
            attempts = []
        if split.gone is not None:
            await self._runs.disable(look, GONE, str(split.gone), attempts)
        elif failure is not None:
            await self._runs.failed(look, failure)

    async def _read(self, look: Look, position: FeedPosition, limit: int) -> tuple[list[FeedMessage], FeedPosition]:
        """Reads the next items, and the position after them."""
        tenant = self._runs.tenant
        query = feed_query.query_for(self._catalog, **{n: look.filter[n] for n in FILTERS if n in look.filter})
        async with snapshot(self._pool, tenant) as at:
            items, end = await feed.page(at, query, position, limit)
        messages: list[FeedMessage] = []
        before, revision = encode(tenant, position), position.revision
        for item in items:
            if item.revision > revision:  # what is before may be trimmed until this one is read again
                before, revision = encode(tenant, FeedPosition(item.revision)), item.revision
            messages.append(_message(tenant, item, before))
            before = messages[-1].id
        return messages, end

    async def _find(self, look: Look, id: str, after: str) -> FeedMessage | None:
        """Reads the item with an id again, from an offset shortly before it on."""
        wanted, position = decode(self._runs.tenant, id), decode(self._runs.tenant, after)
        limit = 1
        while position.revision <= wanted.revision:
            messages, end = await self._read(look, position, limit)
            found = next((m for m in messages if m.id == id), None)
            if found is not None or end == position or (messages and messages[-1].id > id):
                return found
            position, limit = end, SEARCHED
        return None

    async def _post(self, look: Look, messages: Sequence[FeedMessage], begun: float | None = None) -> WebhookAnswer:
        body = b"[" + b",".join(m.body for m in messages) + b"]"
        at = look.now + timedelta(seconds=(begun or monotonic()) - self._began)
        return await self._webhooks.deliver(Delivery(look.url, messages[-1].id, body, BATCH_TYPE, look.secrets, at))

    def _attempt(
        self,
        messages: Sequence[FeedMessage],
        outcome: AttemptOutcome,
        answer: WebhookAnswer,
        begun: float | None = None,
    ) -> ReceiverAttempt:
        milliseconds = int((monotonic() - (begun or self._began)) * 1000)
        first, last = (messages[0].id, messages[-1].id) if messages else ("", "")
        return ReceiverAttempt(first, last, len(messages), outcome, answer.status, answer.words, milliseconds)


def _follows(look: Look) -> bool:
    """Whether the feed may have items after the position."""
    return look.position_revision <= (look.head or 0)


def _failure(look: Look, split: Split) -> Failure | None:
    """The failure of a receiver as a whole: it failed at everything, or at one item after another since its last
    success."""
    if split.unavailable is not None:
        return Failure(str(split.unavailable), split.several, split.unavailable.retry_after)
    if split.failed and not split.alive and look.failing_since is not None:
        answer = next(iter(split.failed.values()))
        return Failure(str(answer), True, answer.retry_after)
    return None


def _undelivered(message: FeedMessage, answer: WebhookAnswer | None) -> Undelivered:
    if answer is None:
        return Undelivered(message.id, message.read_after, message.subject, "behind")
    return Undelivered(message.id, message.read_after, message.subject, "failing", answer.status, answer.words)


def _message(tenant: str, item: FeedItem, read_after: str) -> FeedMessage:
    found: dict[str, Any] = event(tenant, item)
    body = orjson.dumps(found, option=orjson.OPT_UTC_Z)
    return FeedMessage(found["id"], found["subject"], body, read_after)


def _outcome(answer: WebhookAnswer) -> AttemptOutcome:
    if answer.accepted:
        return "delivered"
    return "dropped" if answer.abort else "failed"
