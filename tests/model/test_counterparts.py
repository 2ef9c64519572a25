"""One to one: children that were asked for, and parents that several claim."""

import pytest

from facts.correlation import encode
from tests.support.events import Event, event, link_event, unlink_event
from tests.support.model_facts import entity_states, links

GROUP = event("GroupCreated", "g", 1, name="Divers")


def channel(key: str, sequence: int | None, asked_by: str | None = "g", at: str | None = None) -> Event:
    return event("ChannelCreated", key, sequence, name=key, requested_by=asked_by, time=at)


def test_a_channel_that_was_asked_for_belongs_to_the_group_that_lacked_one() -> None:
    assert links(GROUP, channel("c", 1)) == {"c": "g linked"}
    assert links(channel("c", 1)) == {"c": "g waiting"}


def test_a_channel_without_our_correlation_id_belongs_to_nobody() -> None:
    assert links(GROUP, channel("c", 1, asked_by=None)) == {}


@pytest.mark.parametrize("foreign", ["", "trace-7", "tether1.", "tether1.!!", encode("elsewhere", "g")])
def test_anybody_elses_correlation_id_means_nothing(foreign: str) -> None:
    assert links(GROUP, {**channel("c", 1), "correlationid": foreign}) == {}


def test_only_a_creation_carries_the_answer() -> None:
    assert links(GROUP, event("ChannelRenamed", "c", 2, name="C", requested_by="g")) == {}


def test_a_later_creation_without_correlation_id_leaves_the_parent() -> None:
    assert links(GROUP, channel("c", 1), channel("c", 2, asked_by=None)) == {"c": "g linked"}


def test_an_end_takes_the_answer_with_it() -> None:
    lived = [GROUP, channel("c", 1), event("ChannelDeleted", "c", 2)]
    assert links(*lived, channel("c", 3, asked_by=None)) == {}
    assert links(*lived, channel("c", 3)) == {"c": "g linked"}


def test_an_explicit_link_and_unlink_come_after_the_answer() -> None:
    assert links(GROUP, channel("c", 1), link_event("group_channel", "c", "h", 1)) == {"c": "h waiting"}
    assert links(GROUP, channel("c", 1), unlink_event("group_channel", "c", 1)) == {}


def test_a_channel_that_stood_alone_can_be_linked_explicitly() -> None:
    assert links(GROUP, channel("c", 1, asked_by=None), link_event("group_channel", "c", "g", 1)) == {"c": "g linked"}


def test_of_two_channels_the_one_created_first_has_the_group() -> None:
    assert links(channel("a", 2), channel("b", 1), GROUP) == {"a": "g conflict", "b": "g linked"}


def test_created_at_the_same_place_in_order_the_smaller_key_has_it() -> None:
    events = [event("ChannelCreated", key, 1, id="same", source=f"/{key}", requested_by="g") for key in ("b", "a")]
    assert links(GROUP, *events) == {"a": "g linked", "b": "g conflict"}


def test_a_channel_whose_creation_was_never_told_comes_last() -> None:
    renamed, explicit = event("ChannelRenamed", "a", 1, name="A"), link_event("group_channel", "a", "g", 1)
    assert links(GROUP, renamed, explicit) == {"a": "g linked"}
    assert links(GROUP, renamed, explicit, channel("b", 9)) == {"a": "g conflict", "b": "g linked"}


def test_the_next_has_the_group_when_the_first_is_deleted_or_unlinked() -> None:
    both = [GROUP, channel("a", 1), channel("b", 2)]
    assert links(*both) == {"a": "g linked", "b": "g conflict"}
    assert links(*both, event("ChannelDeleted", "a", 5)) == {"b": "g linked"}
    assert links(*both, unlink_event("group_channel", "a", 1)) == {"b": "g linked"}


def test_the_first_that_is_created_again_comes_after_the_other() -> None:
    lived = [GROUP, channel("a", 1), channel("b", 2), event("ChannelDeleted", "a", 5), channel("a", 6)]
    assert links(*lived) == {"a": "g conflict", "b": "g linked"}


def test_there_is_no_conflict_about_a_group_that_is_not_live() -> None:
    both = [channel("a", 1), channel("b", 2)]
    assert links(*both) == {"a": "g waiting", "b": "g waiting"}
    assert links(*both, event("GroupDeleted", "g", 1)) == {"a": "g broken", "b": "g broken"}


def test_an_unheard_group_is_a_placeholder() -> None:
    assert entity_states(channel("c", 1)) == {"c": "live", "g": "unknown"}
