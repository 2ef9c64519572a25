"""The sentences that explain the state of a link."""

from datetime import UTC, datetime, timedelta

import pytest

from api.explanations import explain_fact, explain_link
from catalog.catalog import Catalog
from messages.child_reasons import ParkReason
from store.db.pool import Pool
from store.db.snapshot import snapshot
from store.operations import cascades, ended_life, operations
from store.operations.children import ChildOutcome
from store.read.link_evidence import Explanation, explain
from tests.support.events import event, link_event, unlink_event
from tests.support.recording import TENANT, FactRecorder, store_outcomes

NOW = datetime.now(UTC)
AT = "2026-01-03T12:00:00Z"


class Asker:
    def __init__(self, pool: Pool, catalog: Catalog) -> None:
        self._pool = pool
        self._catalog = catalog

    async def explain(self, relationship: str, child: str, now: datetime = NOW) -> Explanation | None:
        async with snapshot(self._pool, TENANT) as at:
            return await explain(at, self._catalog, self._catalog.relationship(relationship), child, now)

    async def sentence(self, relationship: str, child: str, now: datetime = NOW) -> str:
        found = await self.explain(relationship, child, now)
        assert found is not None
        return explain_link(self._catalog, self._catalog.relationship(relationship), child, found)


@pytest.fixture
def asker(pool: Pool, catalog: Catalog) -> Asker:
    return Asker(pool, catalog)


async def test_waiting_link_explanation_names_fact_owner_and_due_time(asker: Asker, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i7", 1, name="x", category="c1", time=AT))
    said = await asker.sentence("category_item", "i7")
    assert said.startswith(
        "ItemAdded i7 (items, 3 Jan 2026 12:00) names category c1, which is not known yet; "
        "waiting for CategoryAdded from categories since "
    )
    late = await asker.sentence("category_item", "i7", NOW + timedelta(days=2))
    assert "CategoryAdded from categories is overdue: waited for since " in late
    why = await asker.explain("category_item", "i7")
    assert why is not None
    assert why.wait is not None
    assert why.wait.owner == "categories"


async def test_linked_and_broken_link_explanations_name_the_parents_fact(asker: Asker, facts: FactRecorder) -> None:
    await facts.record(
        event("ItemAdded", "i", 1, name="x", category="c", time=AT), event("ItemUpdated", "i", 2, name="y")
    )
    await facts.record(event("CategoryAdded", "c", 1, name="c", time="2026-01-03T11:59:00Z"))
    assert await asker.sentence("category_item", "i") == (
        "ItemAdded i (items, 3 Jan 2026 12:00) names category c, "
        "which exists since CategoryAdded (categories, 3 Jan 2026 11:59)."
    )
    await facts.record(event("CategoryRemoved", "c", 2, time="2026-02-01T00:00:00Z"))
    assert await asker.sentence("category_item", "i") == (
        "ItemAdded i (items, 3 Jan 2026 12:00) names category c, "
        "which is deleted: CategoryRemoved (categories, 1 Feb 2026 00:00)."
    )


async def test_conflict_explanation_names_the_other_child(asker: Asker, facts: FactRecorder) -> None:
    await facts.record(event("GroupCreated", "g", 1, name="g"))
    await facts.record(
        *(event("ChannelCreated", c, n, name=c, requested_by="g", time=AT) for n, c in ((1, "b"), (2, "a")))
    )
    assert await asker.sentence("group_channel", "a") == (
        "ChannelCreated a (channels, 3 Jan 2026 12:00) names group g, "
        "which has channel b already and may have only one."
    )


async def test_closed_link_explanation_names_its_end_and_former_parents(asker: Asker, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x", category="a"))
    await facts.record(event("ItemUpdated", "i", 2, category="b"))
    await facts.record(event("ItemUpdated", "i", 3, category=None, time=AT))
    why = await asker.explain("category_item", "i")
    assert why is not None
    assert why.link is None
    assert [(v.parent, v.from_revision, v.to_revision) for v in why.history] == [("a", 1, 2), ("b", 2, 3)]
    assert await asker.sentence("category_item", "i") == (
        "ItemUpdated i (items, 3 Jan 2026 12:00) names no category; the last was category b."
    )
    await facts.record(event("ItemRemoved", "i", 4, time=AT))
    assert await asker.sentence("category_item", "i") == (
        "ItemRemoved i (items, 3 Jan 2026 12:00) ends the link to category b."
    )


async def test_explicit_link_explanation_names_tether_as_source(
    asker: Asker, facts: FactRecorder, catalog: Catalog
) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x"), event("CategoryAdded", "c", 1, name="c"))
    await facts.record(link_event("category_item", "i", "c", 1))
    why = await asker.explain("category_item", "i")
    assert why is not None
    assert why.child_fact is not None
    assert explain_fact(
        catalog.relationship("category_item"), why.child_fact, of_parent=False, parent="c", open_link=True
    ) == ("says that it belongs to category c")
    assert (await asker.sentence("category_item", "i")).startswith("Linked i (Tether, ")
    await facts.record(unlink_event("category_item", "i", 1) | {"time": "2027-01-01T00:00:00Z"})
    assert "names no category; the last was category c" in await asker.sentence("category_item", "i")


async def test_child_without_any_link_has_no_explanation(asker: Asker, facts: FactRecorder) -> None:
    await facts.record(event("ItemAdded", "i", 1, name="x"))
    assert await asker.explain("category_item", "i") is None


async def test_explanation_of_a_former_incarnation_names_its_deletion(asker: Asker, facts: FactRecorder) -> None:
    group = event("GroupCreated", "g", 1, name="Divers")
    await facts.record(group, event("GroupDeleted", "g", 2, time=AT), event("GroupCreated", "g", 3, name="Divers"))
    await facts.record(event("ChannelCreated", "c", 1, name="x", requested_by="g", created=group, time=AT))
    assert await asker.sentence("group_channel", "c") == (
        "ChannelCreated c (channels, 3 Jan 2026 12:00) was requested for an earlier group g, which is deleted: "
        "GroupDeleted (groups, 3 Jan 2026 12:00); DeleteChannel will be sent to channels."
    )


async def test_explanation_says_that_a_team_was_kept_as_its_event_was_recreated(
    asker: Asker, facts: FactRecorder, pool: Pool, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_life, "STOP_AFTER", timedelta(0))
    await facts.record(
        event("EventCreated", "e", 1, name="Cup"), event("TeamCreated", "t", 1, name="x", event_id="e", time=AT)
    )
    await facts.record(event("EventDeleted", "e", 2, time=AT))
    status = await cascades.advance(pool, catalog, TENANT, "event", "e")
    assert status.to_request == ("event_team",)
    await facts.record(event("EventCreated", "e", 3, name="Cup", time=AT))
    await cascades.advance(pool, catalog, TENANT, "event", "e")
    assert await asker.sentence("event_team", "t") == (
        "TeamCreated t (teams, 3 Jan 2026 12:00) names event e, which exists since EventCreated (events, 3 Jan 2026 "
        "12:00); DeleteTeam was not sent to teams: its parent was created again before it was requested."
    )


async def test_broken_link_explanation_says_what_the_cascade_does(
    asker: Asker, facts: FactRecorder, pool: Pool, catalog: Catalog
) -> None:
    await facts.record(event("EventCreated", "e", 1, name="Cup"), event("EventDeleted", "e", 2, time=AT))
    await facts.record(*(event("TeamCreated", f"t{n}", 1, name="x", event_id="e", time=AT) for n in range(5)))
    gone = "which is deleted: EventDeleted (events, 3 Jan 2026 12:00); "
    assert (await asker.sentence("event_team", "t0")).endswith(f"{gone}DeleteTeam will be sent to teams.")
    status = await cascades.advance(pool, catalog, TENANT, "event", "e")
    assert status.operation is not None
    refused = ParkReason("request_refused")
    outcomes = [
        ChildOutcome("t1", "e", "requested", b""),
        ChildOutcome("t2", "e", "parked", b"", "DeleteTeam at teams refused with 422: no", park_reason=refused),
        ChildOutcome("t3", "e", "failing", b"", "answered 503"),
    ]
    await store_outcomes(pool, status.operation.id, "event_team", outcomes)
    sentences = {n: (await asker.sentence("event_team", f"t{n}")).partition(gone)[2] for n in range(4)}
    assert sentences[0] == "DeleteTeam will be sent to teams."
    assert sentences[1].startswith("DeleteTeam was sent to teams (")
    assert sentences[1].endswith("), whose fact has not arrived.")
    assert sentences[2] == "teams refused DeleteTeam: DeleteTeam at teams refused with 422: no."
    assert sentences[3] == "DeleteTeam at teams failed, and will be tried again: answered 503."
    await operations.cancel(pool, TENANT, status.operation.id)
    await cascades.advance(pool, catalog, TENANT, "event", "e")
    assert (await asker.sentence("event_team", "t4")).endswith(
        f"{gone}the cascade was cancelled before this child was processed."
    )


async def test_waiting_link_explanation_hints_at_a_key_spelled_alike(asker: Asker, facts: FactRecorder) -> None:
    await facts.record(
        event("CategoryAdded", "Books", 1, name="x"),
        event("CategoryAdded", "others", 1, name="x"),
        event("ItemAdded", "i", 1, name="x", category="books "),
        event("ItemAdded", "j", 1, name="x", category="Books"),
        event("ItemAdded", "k", 1, name="x", category="unlike"),
    )
    hint = "; category 'Books' exists: the keys differ only in case, white space, zeros or the like."
    assert (await asker.sentence("category_item", "i")).endswith(hint)
    assert (await asker.sentence("category_item", "i", NOW + timedelta(days=2))).endswith(hint)
    for child, similar in (("i", ["Books"]), ("j", []), ("k", [])):
        why = await asker.explain("category_item", child)
        assert why is not None
        assert list(why.similar) == similar
    assert "differ" not in await asker.sentence("category_item", "j")
    assert "differ" not in await asker.sentence("category_item", "k")


async def test_explanation_names_the_last_stale_fact_that_would_have_decided(
    asker: Asker, facts: FactRecorder, catalog: Catalog
) -> None:
    await facts.record(event("EventCreated", "e", 1, name="Cup"), event("TeamCreated", "t", 1, name="x", event_id="e"))
    await facts.record(event("EventDeleted", "e", 3, time=AT))
    before = await asker.sentence("event_team", "t")
    await facts.record(event("EventCreated", "e", 2, name="Cup", time=AT))
    clause = (
        "; EventCreated e (events, 3 Jan 2026 12:00) arrived later and is older (sequence 2 before 3): "
        "it changed nothing about the link."
    )
    assert await asker.sentence("event_team", "t") == before.removesuffix(".") + clause
