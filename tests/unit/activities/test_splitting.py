"""Batches that fail are split: who is to blame, what is held back, and that subjects keep their order."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from activities.support.splitting import Split, send
from gateways.webhooks import WebhookAnswer

FINE = WebhookAnswer(200, "")
BROKEN = WebhookAnswer(500, "broken")


class Item(NamedTuple):
    id: str
    subject: str


class Receiver:
    """Answers by ``answer``, given the items of a message; keeps the messages, and the items that it accepted."""

    def __init__(self, items: Sequence[Item], answer: Callable[[Sequence[Item]], WebhookAnswer]) -> None:
        self._items = items
        self._answer = answer
        self.messages: list[list[int]] = []
        self.accepted: list[Item] = []

    async def post(self, part: Sequence[int]) -> WebhookAnswer:
        self.messages.append(list(part))
        items = [self._items[n] for n in part]
        answer = self._answer(items)
        if answer.accepted:
            self.accepted += items
        return answer


def items_of(*subjects: str) -> list[Item]:
    return [Item(str(n), subject) for n, subject in enumerate(subjects)]


async def split_up(
    items: Sequence[Item], answer: Callable[[Sequence[Item]], WebhookAnswer], requests: int = 10_000
) -> tuple[Split, Receiver]:
    """Sends items; ``requests``: after so many there is no time for more."""
    receiver = Receiver(items, answer)
    return await send(items, receiver.post, lambda: len(receiver.messages) < requests), receiver


def refusing(*ids: str, status: int = 500) -> Callable[[Sequence[Item]], WebhookAnswer]:
    return lambda items: WebhookAnswer(status, "") if {i.id for i in items} & set(ids) else FINE


async def test_batch_that_is_accepted_is_one_message() -> None:
    split, receiver = await split_up(items_of("a", "b", "a"), lambda _: FINE)
    assert (split.delivered, receiver.messages) == ({0, 1, 2}, [[0, 1, 2]])


async def test_poison_item_fails_alone_and_later_ones_of_its_subject_are_held() -> None:
    split, receiver = await split_up(items_of("a", "b", "c", "b", "d", "a"), refusing("1"))
    assert split.delivered == {0, 2, 4, 5}
    assert set(split.failed) == {1}
    assert split.held == {3}
    assert split.unavailable is None
    assert [i.id for i in receiver.accepted] == ["0", "2", "4", "5"]


async def test_receiver_that_accepts_nothing_is_found_out_by_few_messages() -> None:
    split, receiver = await split_up(items_of(*(f"s{n}" for n in range(100))), lambda _: BROKEN)
    assert split.unavailable == BROKEN
    assert split.several
    assert not (split.failed)
    assert not (split.delivered)
    assert not (split.held)
    assert len(receiver.messages) <= 12


async def test_first_item_is_to_blame_if_another_one_is_accepted() -> None:
    split, _ = await split_up(items_of("a", "b", "c", "d"), refusing("0"))
    assert (set(split.failed), split.delivered) == ({0}, {1, 2, 3})


async def test_single_subject_that_fails_says_nothing_about_the_receiver() -> None:
    split, _ = await split_up(items_of("a", "a", "a"), lambda _: BROKEN)
    assert (set(split.failed), split.held, split.unavailable) == ({0}, {1, 2}, None)


async def test_answers_about_the_receiver_end_the_attempt_at_once() -> None:
    for answer in (WebhookAnswer(None, "", sent=False), WebhookAnswer(429, ""), WebhookAnswer(503, "", retry_after=9)):
        split, receiver = await split_up(items_of("a", "b"), lambda _, answer=answer: answer)  # type: ignore[misc]
        assert (split.unavailable, split.several, len(receiver.messages)) == (answer, True, 1)


async def test_gone_ends_everything() -> None:
    split, receiver = await split_up(items_of("a", "b"), lambda _: WebhookAnswer(410, ""))
    assert split.gone == WebhookAnswer(410, "")
    assert len(receiver.messages) == 1


async def test_aborted_message_of_many_drops_only_the_item_that_is_meant() -> None:
    abort = WebhookAnswer(400, "", abort=True)
    split, _ = await split_up(items_of("a", "b", "b", "c"), lambda i: abort if "1" in [x.id for x in i] else FINE)
    assert (split.dropped, split.delivered, split.failed) == ({1}, {0, 2, 3}, {})


async def test_too_large_message_is_sent_in_parts() -> None:
    items = items_of(*(f"s{n}" for n in range(10)))
    split, receiver = await split_up(items, lambda i: WebhookAnswer(413, "") if len(i) > 3 else FINE)
    assert split.delivered == set(range(10))
    assert [i.id for i in receiver.accepted] == [i.id for i in items]


@given(
    subjects=st.lists(st.sampled_from("abcd"), min_size=1, max_size=16),
    refused=st.sets(st.integers(0, 15)),
    aborted=st.sets(st.integers(0, 15)),
    broken=st.sets(st.integers(1, 40)),
    requests=st.integers(1, 60),
)
async def test_subjects_keep_their_order_whatever_fails(
    subjects: list[str], refused: set[int], aborted: set[int], broken: set[int], requests: int
) -> None:
    items = items_of(*subjects)
    count = 0

    def answer(part: Sequence[Item]) -> WebhookAnswer:
        nonlocal count
        count += 1
        ids = {int(i.id) for i in part}
        if count in broken:
            return BROKEN
        if ids & aborted:
            return WebhookAnswer(422, "", abort=True)
        return BROKEN if ids & refused else FINE

    split, receiver = await split_up(items, answer, requests)
    groups = [split.delivered, split.dropped, set(split.failed), split.held]
    assert sum(map(len, groups)) == len(set().union(*groups))
    accepted = [int(i.id) for i in receiver.accepted]
    assert sorted(accepted) == sorted(split.delivered)
    for subject in set(subjects):
        of_subject = [n for n in accepted if items[n].subject == subject]
        assert of_subject == sorted(of_subject)
        failed = [n for n in split.failed if items[n].subject == subject]
        assert all(n < min(failed) for n in of_subject if failed)
        # nothing is passed over: what is delivered or dropped of a subject are its first items
        decided = {n for n in split.delivered | split.dropped if items[n].subject == subject}
        first = [n for n, item in enumerate(items) if item.subject == subject][: len(decided)]
        assert decided == set(first)
