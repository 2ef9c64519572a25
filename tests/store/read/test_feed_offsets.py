"""Offsets of the feed: they sort like its items, and reading goes on after them, however long the keys are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.catalog import Catalog
from errors import BadToken
from facts import tokens
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.read import feed, feed_offsets
from store.read.feed_items import ENTITIES, FIRST_KEYS, LAST_PHASE, NUMBERED, FeedItem
from store.read.feed_offsets import BEGINNING, KEPT, FeedPosition, decode, encode, number, position_after
from store.read.feed_query import query_for
from tests.support.events import event
from tests.support.recording import TENANT, FactRecorder

LONGEST = 256
"""Characters that an offset must stay below."""

_PHASES = [phase for phase in range(LAST_PHASE + 1) if phase not in NUMBERED]
_COMMON = "é" * 40  # with the name before it, the cut goes through a character
_ends = st.text(st.sampled_from("ab€\U0010ffff\x01"), max_size=30)
_keys = st.builds(lambda common, end: common + end or "k", st.sampled_from(["", "ab", _COMMON, _COMMON * 2]), _ends)


@st.composite
def _items(draw: st.DrawFn) -> list[FeedItem]:
    """Different items in the order of the feed, each phase with as many keys as its items have."""
    names = st.sampled_from(["n", "name", "n" * 64])
    places = draw(st.sets(st.tuples(st.integers(1, 3), st.sampled_from(_PHASES), names, _keys, _keys), min_size=1))
    kept = {(r, p, (name, one, two if p in (2, 3) else "")) for r, p, name, one, two in places}
    return number([FeedItem(*place, {}) for place in sorted(kept)], BEGINNING)


@given(_items())
def test_offsets_sort_bytewise_in_the_order_of_the_items(items: list[FeedItem]) -> None:
    texts = [encode(TENANT, position_after(item)) for item in items]
    assert texts == sorted(set(texts))
    assert all(len(text) < LONGEST and text.isalnum() for text in texts)
    for item, text in zip(items, texts, strict=True):
        assert encode(TENANT, FeedPosition(item.revision)) < text < encode(TENANT, FeedPosition(item.revision + 1))
        assert encode(TENANT, decode(TENANT, text)) == text


@given(_items())
def test_position_read_from_an_offset_is_before_no_item_that_it_excludes(items: list[FeedItem]) -> None:
    for item in items:
        position = decode(TENANT, encode(TENANT, position_after(item)))
        assert position[:2] == item[:2]
        if not position.prefix:
            assert position.keys == item.keys
            continue
        alike = [i for i in items if i[:2] == item[:2] and feed_offsets.shared(i.keys) == position.prefix]
        assert alike[position.number - 1] is item
        assert all(position.keys < i.keys for i in alike)


@given(st.binary(max_size=140))
def test_text_that_is_no_offset_of_the_tenant_is_refused(raw: bytes) -> None:
    for text in (tokens.encode(raw), raw.decode("latin-1"), encode("other", FeedPosition(5))):
        with pytest.raises(BadToken):
            decode(TENANT, text)


def test_body_with_a_good_checksum_that_is_no_position_is_refused() -> None:
    for position in (
        FeedPosition(1, LAST_PHASE + 1),
        FeedPosition(1, NUMBERED[0], ("no position", "", "")),
        FeedPosition(2**63, 0),
        FeedPosition(1, 0, ("a", "", "c")[::-1]),
        FeedPosition(1, 0, FIRST_KEYS, 0, b"\xff" * KEPT),
    )[:3]:
        with pytest.raises(BadToken):
            decode(TENANT, encode(TENANT, position))


def test_token_of_a_revision_is_the_offset_after_it() -> None:
    assert decode(TENANT, tokens.token(TENANT, 7)) == FeedPosition(8)


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_reading_goes_on_after_items_whose_keys_share_96_bytes(
    pool: Pool, catalog: Catalog, facts: FactRecorder, limit: int
) -> None:
    long = "é" * 45  # the 96 bytes end within a character of the name's last letters
    names = [long + end for end in ("", "a", "aé", "b", "€")] + [long[:-1], long[:-1] + "a", "short", "z"]
    await facts.record(*(event("ItemAdded", name, 1, name="x", category="c") for name in names))
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    found: list[FeedItem] = []
    offset = encode(TENANT, BEGINNING)
    while True:
        async with snapshot(pool, TENANT) as at:
            items, position = await feed.page(at, query_for(catalog, None, None), decode(TENANT, offset), limit)
        found += items
        offset = encode(TENANT, position)
        if position.revision > at.head:
            break
    assert [i.keys[1] for i in found if i.phase == ENTITIES and i.keys[0] == "item"] == sorted(names)
    assert [i.body["child"] for i in found if i.body.get("state") == "linked"] == sorted(names)
    offsets = [encode(TENANT, position_after(item)) for item in found]
    assert offsets == sorted(set(offsets))
    for n, offset in enumerate(offsets):
        async with snapshot(pool, TENANT) as at:
            items, _ = await feed.page(at, query_for(catalog, None, None), decode(TENANT, offset), 1000)
        assert items == found[n + 1 :]
