"""One-to-one relationships: children that were requested, and parents that several children refer to."""

import pytest

from facts.correlation import encode
from tests.support.events import Event, event, link_event, unlink_event
from tests.support.model_facts import entity_states, links

GROUP = event("GroupCreated", "g", 1, name="Divers")


def channel(key: str, sequence: int | None, requested_by: str | None = "g", at: str | None = None) -> Event:
    return event("ChannelCreated", key, sequence, name=key, requested_by=requested_by, time=at)


def test_requested_channel_belongs_to_the_group_it_was_requested_for() -> None:
    assert links(GROUP, channel("c", 1)) == {"c": "g linked"}
    assert links(channel("c", 1)) == {"c": "g waiting"}


def test_channel_without_correlation_id_belongs_to_no_group() -> None:
    assert links(GROUP, channel("c", 1, requested_by=None)) == {}


@pytest.mark.parametrize("foreign", ["", "trace-7", "tether1.", "tether1.!!", encode("elsewhere", "g")])
def test_foreign_correlation_id_makes_no_link(foreign: str) -> None:
    assert links(GROUP, {**channel("c", 1), "correlationid": foreign}) == {}


def test_only_a_creation_links_by_its_correlation_id() -> None:
    assert links(GROUP, event("ChannelRenamed", "c", 2, name="C", requested_by="g")) == {}


def test_later_creation_without_correlation_id_keeps_the_parent() -> None:
    assert links(GROUP, channel("c", 1), channel("c", 2, requested_by=None)) == {"c": "g linked"}


def test_deletion_clears_the_parent_of_the_correlation_id() -> None:
    history = [GROUP, channel("c", 1), event("ChannelDeleted", "c", 2)]
    assert links(*history, channel("c", 3, requested_by=None)) == {}
    assert links(*history, channel("c", 3)) == {"c": "g linked"}


def test_explicit_link_or_unlink_replaces_the_parent_of_a_request() -> None:
    assert links(GROUP, channel("c", 1), link_event("group_channel", "c", "h", 1)) == {"c": "h waiting"}
    assert links(GROUP, channel("c", 1), unlink_event("group_channel", "c", 1)) == {}


def test_channel_without_group_can_be_linked_explicitly() -> None:
    assert links(GROUP, channel("c", 1, requested_by=None), link_event("group_channel", "c", "g", 1)) == {
        "c": "g linked"
    }


def test_of_two_channels_the_one_created_first_is_linked() -> None:
    assert links(channel("a", 2), channel("b", 1), GROUP) == {"a": "g conflict", "b": "g linked"}


def test_equal_order_of_creation_links_the_smaller_key() -> None:
    events = [event("ChannelCreated", key, 1, id="same", source=f"/{key}", requested_by="g") for key in ("b", "a")]
    assert links(GROUP, *events) == {"a": "g linked", "b": "g conflict"}


def test_channel_without_a_creation_fact_ranks_last() -> None:
    renamed, explicit = event("ChannelRenamed", "a", 1, name="A"), link_event("group_channel", "a", "g", 1)
    assert links(GROUP, renamed, explicit) == {"a": "g linked"}
    assert links(GROUP, renamed, explicit, channel("b", 9)) == {"a": "g conflict", "b": "g linked"}


def test_deletion_or_unlink_of_the_first_channel_links_the_second() -> None:
    both = [GROUP, channel("a", 1), channel("b", 2)]
    assert links(*both) == {"a": "g linked", "b": "g conflict"}
    assert links(*both, event("ChannelDeleted", "a", 5)) == {"b": "g linked"}
    assert links(*both, unlink_event("group_channel", "a", 1)) == {"b": "g linked"}


def test_recreated_channel_ranks_after_the_other() -> None:
    history = [GROUP, channel("a", 1), channel("b", 2), event("ChannelDeleted", "a", 5), channel("a", 6)]
    assert links(*history) == {"a": "g conflict", "b": "g linked"}


def test_group_that_is_not_live_has_no_conflict() -> None:
    both = [channel("a", 1), channel("b", 2)]
    assert links(*both) == {"a": "g waiting", "b": "g waiting"}
    assert links(*both, event("GroupDeleted", "g", 1)) == {"a": "g broken", "b": "g broken"}


def test_group_without_facts_is_a_placeholder() -> None:
    assert entity_states(channel("c", 1)) == {"c": "live", "g": "unknown"}
