"""Lines, digests and counts of a state."""

import hashlib

from model.lines import digest, entity_counts, entity_lines, link_counts, link_lines, relationship_lines
from tests.support.events import event
from tests.support.model_facts import CATALOG, state

STATE = state(
    event("ItemAdded", "b", 1, name="Ü", category="light", a={"z": 1, "y": None}),
    event("ItemAdded", "a", 1, category="dark"),
    event("CategoryAdded", "light", 1, name="Light"),
    event("CategoryRemoved", "gone", 1),
    event("GroupCreated", "g", 1, name="G"),
    event("ChannelCreated", "c1", 1, requested_by="g"),
    event("ChannelCreated", "c2", 2, requested_by="g"),
)


def test_entities_are_lines_with_canonical_json_sorted_by_bytes() -> None:
    assert [line.decode() for line in entity_lines(STATE)] == [
        "entity|category|dark|unknown|{}",
        "entity|category|gone|deleted|{}",
        'entity|category|light|live|{"name":"Light"}',
        "entity|channel|c1|live|{}",
        "entity|channel|c2|live|{}",
        'entity|group|g|live|{"name":"G"}',
        'entity|item|a|live|{"category":"dark"}',
        'entity|item|b|live|{"a":{"y":null,"z":1},"category":"light","name":"Ü"}',
    ]


def test_link_lines_name_relationship_child_parent_and_state() -> None:
    assert link_lines(STATE) == [
        b"link|category_item|a|dark|waiting",
        b"link|category_item|b|light|linked",
        b"link|group_channel|c1|g|linked",
        b"link|group_channel|c2|g|conflict",
    ]


def test_relationship_lines_have_the_format_of_data_sets() -> None:
    lines = relationship_lines(CATALOG, STATE)
    assert lines["category_item"] == [b"category|a|dark|waiting", b"category|b|light|linked"]
    assert lines["group_channel"] == [b"group_channel|c1|g|linked", b"group_channel|c2|g|conflict"]
    assert lines["plane_flight"] == []


def test_digest_is_sha256_of_lines_that_end_in_a_line_feed() -> None:
    assert digest([b"a", b"b"]) == hashlib.sha256(b"a\nb\n").hexdigest()
    assert digest([]) == hashlib.sha256().hexdigest()


def test_links_and_entities_are_counted_by_state() -> None:
    counts = link_counts(CATALOG, STATE)
    assert counts["category_item"] == {"linked": 1, "waiting": 1, "broken": 0, "conflict": 0}
    assert counts["group_channel"] == {"linked": 1, "waiting": 0, "broken": 0, "conflict": 1}
    assert counts["dest_flight"] == {"linked": 0, "waiting": 0, "broken": 0, "conflict": 0}
    assert entity_counts(STATE)["category"] == {"unknown": 1, "deleted": 1, "live": 1}
