"""Generates random histories of a library: articles list tags and articles, shelves list books, and any of them may
turn out to be the same.

Steps become events, and events are delivered, by ``tests/support/merge_histories.py``.
"""

from typing import Any

from hypothesis import strategies as st

from tests.support.events import Event
from tests.support.merge_histories import Step, events_of

KEYS = {"article": ("a0", "a1", "a2"), "tag": ("t0", "t1", "7"), "shelf": ("s0", "s1"), "book": ("b0", "b1", "b2")}
_BEGUN = {"article": "ArticlePublished", "tag": "TagCoined", "shelf": "ShelfBuilt", "book": "BookBought"}
_CHANGED = {"article": "ArticleEdited", "shelf": "ShelfArranged"}
_ENDED = {"article": "ArticleWithdrawn", "tag": "TagDropped", "shelf": "ShelfRemoved", "book": "BookSold"}
_LISTS = {"article": {"tags": "tag", "related": "article"}, "shelf": {"books": "book"}}
_SINGLE = {"article": ("ArticleTagged", "ArticleUntagged", "tag"), "shelf": ("BookPlaced", "BookTaken", "book")}
_ENDS = {"article_tag": ("article", "tag"), "article_article": ("article", "article"), "shelf_book": ("book", "shelf")}
_SEQUENCES = st.integers(1, 9)


def histories(
    longest: int = 24, *, merges: bool = True, own: bool = True, odd: bool = False
) -> st.SearchStrategy[list[Event]]:
    """Generates facts, in the order in which they happened. ``merges``: records are merged; ``own``: there are explicit
    links, and facts that void others; ``odd``: some lists have elements that are no keys, or are no lists, as they may
    be in facts that are older than the relationship."""
    steps = [_lists(odd), _lists(odd), _single(), _single(), _lives()]
    if own:
        steps += [_explicit(), st.tuples(st.just("FactVoided"), st.just(""), st.integers(0, 30), st.just({}))]
    if merges:
        steps += [_merges()]
    return st.lists(st.one_of(*steps), max_size=longest).map(events_of)


@st.composite
def _lists(draw: st.DrawFn, odd: bool) -> Step:
    """A fact that may carry a list, whole: also with elements that are named twice."""
    kind = draw(st.sampled_from(("article", "shelf")))
    data: dict[str, Any] = {}
    for field, of in _LISTS[kind].items():
        elements = st.sampled_from((*KEYS[of], *KEYS[of], 7, *((None, True, "") if odd else ())))
        lists: st.SearchStrategy[Any] = st.none() | st.lists(elements, max_size=4) | st.lists(elements, max_size=4)
        if odd:
            lists |= st.just("t0")
        if draw(st.integers(0, 3)):
            data[field] = draw(lists)
    type = draw(st.sampled_from((_BEGUN[kind], _CHANGED[kind])))
    return type, draw(st.sampled_from(KEYS[kind])), draw(_SEQUENCES), data


@st.composite
def _single(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from(("article", "shelf")))
    *types, field = _SINGLE[kind]
    data = {field: draw(st.sampled_from(KEYS[field]))}
    return draw(st.sampled_from(types)), draw(st.sampled_from(KEYS[kind])), draw(_SEQUENCES), data


@st.composite
def _lives(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from([*KEYS]))
    return (
        draw(st.sampled_from((_BEGUN, _BEGUN, _ENDED)))[kind],
        draw(st.sampled_from(KEYS[kind])),
        draw(_SEQUENCES),
        {},
    )


@st.composite
def _explicit(draw: st.DrawFn) -> Step:
    name = draw(st.sampled_from([*_ENDS]))
    child, parent = (draw(st.sampled_from(KEYS[kind])) for kind in _ENDS[name])
    listing = parent if name == "shelf_book" else child
    data = {"relationship": name, "child": child, "parent": parent}
    return draw(st.sampled_from(("Linked", "Unlinked"))), listing, draw(_SEQUENCES), data


@st.composite
def _merges(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from([*KEYS]))
    survivor, *losers = draw(st.lists(st.sampled_from(KEYS[kind]), min_size=2, max_size=3, unique=True))
    verb = draw(st.sampled_from(("Merged", "Merged", "Merged", "Unmerged")))
    data: Event = {"survivor": survivor, "losers": losers}
    if draw(st.integers(0, 3)) == 0:
        return verb, survivor, draw(_SEQUENCES), {"kind": kind, **data}
    return f"{kind.title()}{verb}", survivor, draw(_SEQUENCES), data
