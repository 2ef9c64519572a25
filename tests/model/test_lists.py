"""Many to many, by hand: what a record lists, and which links follow, by lists and by facts about single elements."""

from typing import Any

import pytest

from model.state import ModelLink
from tests.support.events import Event, event
from tests.support.library_facts import (
    arranged,
    bought,
    built,
    coined,
    edited,
    explicit,
    links,
    merged,
    placed,
    published,
    removed,
    tagged,
    taken,
    untagged,
    withdrawn,
)
from tests.support.tenants import LIBRARY, fold_events


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["x", "y"], "a>x waiting, a>y waiting"),
        (["x", "x", 7, "7"], "a>7 waiting, a>x waiting"),
        ([None, True, "", 1.5, {}, ["x"], "y" * 513, "a\0b"], ""),
        ([], ""),
        (None, ""),
        ("x", ""),
        ({"x": 1}, ""),
    ],
)
def test_each_key_in_a_list_is_one_link_and_all_else_is_none(value: Any, expected: str) -> None:
    assert links(published(tags=value)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([edited("a", 2, tags=["y"])], "y"),  # a list replaces a list
        ([edited("a", 2, title="T")], "x"),  # a fact without the field says nothing about it
        ([edited("a", 2, tags=None)], ""),
        ([edited("a", 2, tags=[])], ""),
        ([tagged("a", "y", 2)], "x y"),
        ([untagged("a", "x", 2)], ""),
        ([tagged("a", "y", 0)], "x"),  # older than the list
        ([tagged("a", "y", None)], "x"),  # what has no sequence is older than what has one
        ([untagged("a", "x", 0)], "x"),
        ([tagged("a", "y", 2), edited("a", 3, tags=["x"])], "x"),
        ([tagged("a", "y", 3), edited("a", 2, tags=["z"])], "y z"),
        ([untagged("a", "z", 3), edited("a", 2, tags=["y", "z"])], "y"),
        ([tagged("a", "y", 2), untagged("a", "y", 3)], "x"),
        ([tagged("a", "y", 3), untagged("a", "y", 2)], "x y"),
        ([tagged("a", "x", 2), untagged("a", "x", 3), edited("a", 4, title="T")], ""),
        ([explicit("Linked", "article_tag", "a", "y", 1)], "x y"),
        ([explicit("Unlinked", "article_tag", "a", "x", 1)], ""),
        ([explicit("Linked", "article_tag", "a", "y", 1), edited("a", 2, tags=["x"])], "x"),
        ([explicit("Linked", "article_article", "a", "y", 1)], "x y"),  # of another relationship
    ],
)
def test_newest_fact_about_a_tag_decides_whether_it_is_listed(facts: list[Event], expected: str) -> None:
    found = links(published(tags=["x"]), *facts)
    assert found == ", ".join(f"a>{tag} waiting" for tag in expected.split())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([withdrawn("a", 2)], ""),
        ([withdrawn("a", 2), published(sequence=3)], ""),  # another life begins with an empty list
        ([withdrawn("a", 2), published(sequence=4), edited("a", 3, tags=["y"])], "y"),
        ([withdrawn("a", 2), published(sequence=4), tagged("a", "y", 3)], "y"),
        ([withdrawn("a", 2), tagged("a", "y", 3)], ""),
        ([withdrawn("a", 2), published(sequence=3, tags=["x", "y"])], "x y"),
        ([published(sequence=3)], "x"),  # created twice: the list is the same as before
    ],
)
def test_list_of_an_article_ends_with_its_life(facts: list[Event], expected: str) -> None:
    found = links(published(tags=["x"]), *facts)
    assert found == ", ".join(f"a>{tag} waiting" for tag in expected.split())


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], "b>s linked, c>s waiting"),
        ([event("BookSold", "b", 2)], "b>s broken, c>s waiting"),
        ([removed("s", 3)], "b>s broken, c>s broken"),
        ([removed("s", 3), removed("s", 4)], "b>s broken, c>s broken"),
        ([removed("s", 3), taken("s", "b", 2)], "c>s broken"),
        ([removed("s", 3), taken("s", "b", 4)], "c>s broken"),  # removed from what is over: a broken link can be ended
        ([removed("s", 3), taken("s", "b", 4), placed("s", "b", 5)], "b>s broken, c>s broken"),
        ([removed("s", 3), placed("s", "d", 4)], "b>s broken, c>s broken"),
        ([removed("s", 3), placed("s", "d", 2)], "b>s broken, c>s broken, d>s broken"),
        ([removed("s", 3), arranged("s", 4, books=["d"])], "b>s broken, c>s broken"),
        ([removed("s", 3), arranged("s", 2, books=["d"])], "d>s broken"),
        ([removed("s", 3), explicit("Unlinked", "shelf_book", "c", "s", 3)], "b>s broken"),
        ([removed("s", 3), built("s", 4)], ""),
        ([removed("s", 3), built("s", 4), placed("s", "b", 5)], "b>s linked"),
        ([removed("s", 3), built("s", 4, books=["b"]), removed("s", 5)], "b>s broken"),
    ],
)
def test_books_of_a_removed_shelf_stay_with_it_until_it_is_built_again(facts: list[Event], expected: str) -> None:
    assert links(built("s", books=["b", "c"]), *bought("b"), *facts) == expected


def test_single_elements_make_no_entity_known() -> None:
    state = fold_events(LIBRARY, [placed("s", "b", 1), tagged("a", "x", 1)])
    assert (state.entities, state.links) == ({}, {})
    assert links(placed("s", "b", 2), arranged("s", 1)) == "b>s waiting"
    assert links(placed("s", "b", 2), removed("s", 3)) == ""


def test_single_elements_are_not_the_newest_fact_of_their_entity() -> None:
    state = fold_events(LIBRARY, [built("s", 1), placed("s", "b", 9)])
    assert state.entities["shelf", "s"].sequence == "1"
    assert state.entities["book", "b"].state == "unknown"


def test_article_may_list_itself_unless_it_stands_for_others() -> None:
    listed = published(related=["a", "b"])
    assert links(listed) == "a>a linked, a>b waiting"
    assert links(listed, merged("article", "a", "b")) == ""
    assert links(listed, published("b", related=["c"]), merged("article", "a", "b")) == "a>c waiting"


def test_merged_articles_have_the_tags_of_all_records() -> None:
    both = [published("a", tags=["x"]), published("b", tags=["x", "y"]), merged("article", "a", "b")]
    assert links(*both) == "a>x waiting, a>y waiting"
    state = fold_events(LIBRARY, both)
    assert state.links["article_tag", "a", "x"] == ModelLink("x", "waiting")
    assert state.links["article_tag", "a", "y"] == ModelLink("y", "waiting", stated_child="b")
    assert links(*both, withdrawn("b", 2)) == "a>x waiting, a>y waiting"  # retired: its last life goes on
    assert links(*both, withdrawn("b", 2), untagged("b", "y", 3)) == "a>x waiting"
    assert links(*both, withdrawn("a", 2)) == ""


def test_merged_tags_are_one_link_that_keeps_the_key_that_was_stated() -> None:
    facts = [published(tags=["y", "z"]), *coined("x"), merged("tag", "x", "y", "z")]
    assert links(*facts) == "a>x linked"
    assert fold_events(LIBRARY, facts).links == {
        ("article_tag", "a", "x"): ModelLink("x", "linked", stated_parent="y"),
    }
    assert fold_events(LIBRARY, [*facts, tagged("a", "x", 2)]).links == {
        ("article_tag", "a", "x"): ModelLink("x", "linked"),
    }


def test_merged_shelves_have_all_books_also_when_the_survivor_is_removed() -> None:
    both = [built("s", books=["b"]), built("r", books=["c"]), *bought("b", "c"), merged("shelf", "s", "r")]
    assert links(*both) == "b>s linked, c>s linked"
    assert links(*both, removed("r", 2)) == "b>s linked, c>s linked"
    assert links(*both, removed("s", 2)) == "b>s broken, c>s broken"
    assert links(built("r", books=["c"]), merged("shelf", "s", "r")) == ""  # of an unknown survivor
