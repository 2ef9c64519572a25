"""The commands that read: what they send, and what they print."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from tests.cli.conftest import Said
from tests.support.fake_tether import FakeFeedPage, FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

LINK = {"child": "c1", "parent": "g1", "state": "linked", "since": "2026-01-01T00:00:00Z"}
WAIT = {
    "relationship": "group_channel", "parent": "g2", "missing": "child", "children": 1,
    "waiting_for": {"owner": "channels", "kind": "channel", "key": None},
    "waiting_since": "2026-01-01T00:00:00Z", "due": "2026-01-02T00:00:00Z", "overdue": False,
    "overdue_notified_at": None,
    "reason": "ChannelCreated", "workflow": {"id": "w", "url": "http://ui/w"},
}  # fmt: skip
COUNTED = {
    "name": "group_channel", "parent": "group", "child": "channel", "via": "requested", "cardinality": "one_to_one",
    "counts": {"linked": 7, "waiting": 2, "overdue": 0, "broken": 0, "conflict": 1},
}  # fmt: skip
QUARANTINED = {
    "id": "q1", "source": "/groups", "event_id": "e1", "type": "No.v1", "reason": "no such contract",
    "received": "2026-01-01T00:00:00Z", "raw": "{}",
}  # fmt: skip
ENTITY = {
    "kind": "group", "key": "a/b", "state": "live", "incarnation": 1, "sequence": "1", "data": {"name": "Choir"},
    "revision": "r", "token": "t", "references": {"belongs": "x"},
}  # fmt: skip
REPLICA = {"name": "shopping_customer", "of": "user", "owner": "users", "fields": ["name", "email"]}
FACT = {
    "source": "/groups", "id": "f1", "type": "GroupCreated.v1", "effect": "created", "sequence": "1", "time": None,
    "received": "2026-01-01T00:00:00Z", "position": 7, "revision": "r", "correlation_id": None, "data": {},
    "stale": True, "older_than": {"source": "/groups", "id": "f3"}, "voided": False, "void_reason": None,
}  # fmt: skip
ACTIVITY = {
    "origin": "g0", "feed": "activity", "subject": "1", "time": "2026-01-01T00:00:00.000000001Z",
    "type": "ActivityRecorded.v1", "source": "/activities", "id": "1", "data": {"what": "sang"},
    "received": "2026-01-01T00:00:00Z", "revision": "r",
}  # fmt: skip
WHY = {
    "relationship": "group_channel", "child": "c1", "parent": "g1", "state": "linked", "since": "2026-01-01",
    "sentence": "c1 belongs to g1, because it was requested.", "due": None, "waiting_for": None, "workflow": None,
    "facts": [{"type": "ChannelCreated.v1", "source": "/channels", "id": "e", "effect_on_link": "parent g1"}],
    "stale_facts": [{"type": "ChannelRenamed.v1", "source": "/channels", "id": "s", "older_than": {"id": "e"}}],
    "history": [{"parent": "g0", "from": "r1", "to": "r2"}],
}  # fmt: skip
LISTS = [
    (("relationships", "list"), "/v1/relationships", COUNTED, "group_channel", "No relationship is declared."),
    (("replicas", "list"), "/v1/replicas", REPLICA, '["name","email"]', "No replica is declared."),
    (("waiting", "list"), "/v1/waiting", WAIT, "http://ui/w", "Nothing is waiting."),
    (("quarantine", "list"), "/v1/quarantine", QUARANTINED, "no such contract", "The quarantine is empty."),
    (("links", "list", "gc"), "/v1/relationships/gc/links", LINK, "g1", "gc has no such link."),
    (("entities", "facts", "group", "g"), "/v1/entities/group/g/facts", FACT, "f3", "No fact about group g is known."),
    (
        ("activity", "list", "group", "g"),
        "/v1/entities/group/g/activity",
        ACTIVITY,
        "sang",
        "No such activity of group g is known.",
    ),
]


def page(*items: dict[str, Any], following: str | None = None) -> tuple[int, dict[str, Any]]:
    return 200, {"items": list(items), "next": following, "token": "t"}


@pytest.mark.parametrize(("command", "path", "item", "shown", "empty"), LISTS)
def test_lists_are_tables_for_people_and_json_for_programs(
    tether: Tether, fake: FakeTether, command: tuple[str, ...], path: str, item: Any, shown: str, empty: str
) -> None:
    fake.answers[f"GET {path}"] = page(item)
    assert shown in tether(*command).out.splitlines()[1]
    assert tether(*command, "-o", "json").json["items"] == [item]
    assert orjson.loads(tether(*command, "-o", "jsonl").out) == item
    fake.answers[f"GET {path}"] = page()
    assert tether(*command).out == f"{empty}\n"
    assert tether(*command, "-o", "jsonl") == Said(0, "", "")
    assert fake.requests[0][2]["authorization"] == "Bearer the-key"


def test_filters_are_sent_url_encoded(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/waiting"] = page()
    tether("waiting", "list", "--overdue", "--owner", "a&b", "--limit", "5")
    assert fake.requests[0][1] == "/v1/waiting?owner=a%26b&overdue=true&limit=5"
    assert tether("waiting", "list", "--overdue").out == "Nothing is overdue.\n"
    fake.answers["GET /v1/entities/group/a/b/facts"] = page()
    assert tether("entities", "facts", "group", "a/b", "--stale").out == "No fact about group a/b was stale.\n"
    assert fake.requests[-1][1] == "/v1/entities/group/a/b/facts?stale=true&limit=100"
    fake.answers["GET /v1/entities/group/a/b/activity"] = page()
    tether("activity", "list", "group", "a/b", "--type", "A.v1", "--type", "B.v1", "--since", "2026-01-01T00:00:00Z")
    query = "type=A.v1&type=B.v1&since=2026-01-01T00%3A00%3A00Z&order=newest&limit=100"
    assert fake.requests[-1][1] == f"/v1/entities/group/a/b/activity?{query}"


def test_all_follows_cursors_and_limit_notes_that_there_is_more(tether: Tether, fake: FakeTether) -> None:
    pages = [page(LINK, following="n"), page({**LINK, "child": "c2"})]
    fake.answers["GET /v1/relationships/gc/links"] = pages[0]
    said = tether("links", "list", "gc", "--limit", "1")
    assert "The first 1 are shown" in said.err
    fake.sequences["GET /v1/relationships/gc/links"] = pages
    said = tether("links", "list", "gc", "--all", "-o", "jsonl")
    assert [orjson.loads(line)["child"] for line in said.out.splitlines()] == ["c1", "c2"]
    assert fake.requests[-1][1].endswith("as_of=t&cursor=n&limit=1000")


def test_retention_is_shown_as_fields(tether: Tether, fake: FakeTether) -> None:
    answer = {"kept": {"history": "P30D", "bodies": None}, "horizon": "t1", "held_by": "consumer", "held_name": "shop"}
    fake.answers["GET /v1/retention"] = 200, answer
    lines = [line.split() for line in tether("retention", "show").out.splitlines()]
    assert lines == [["history", "P30D"], ["horizon", "t1"], ["held", "by", "consumer"], ["held", "name", "shop"]]
    assert tether("retention", "show", "-o", "json").json == answer


def test_certificate_of_an_erasure_is_shown_as_fields(tether: Tether, fake: FakeTether) -> None:
    answer = {"id": "e1", "kind": "person", "key": "ann", "state": "done", "rows": {"facts": 3}, "owner": None}
    fake.answers["GET /v1/erasures/e1"] = 200, answer
    lines = tether("erasures", "show", "e1").out.splitlines()
    assert [line.split()[0] for line in lines] == ["erasure", "kind", "key", "state", "rows"]
    assert tether("erasures", "show", "e1", "-o", "json").json == answer


def test_entity_is_shown_as_fields(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/entities/group/a/b"] = 200, ENTITY
    said = tether("entities", "get", "group", "a/b", "--at-least", "t1")
    assert "Choir" in said.out
    assert fake.requests[0][1] == "/v1/entities/group/a/b?at_least=t1"
    assert tether("entities", "get", "group", "a/b", "-o", "json").json == ENTITY


def test_merged_entity_is_shown_with_its_keys_and_where_fields_come_from(tether: Tether, fake: FakeTether) -> None:
    merged = {**ENTITY, "replaces": ["g0"], "origins": {"name": ["g0"]}}
    fake.answers["GET /v1/entities/group/g0"] = 200, merged
    lines = tether("entities", "get", "group", "g0").out.splitlines()
    assert [line.split() for line in lines if "g0" in line] == [["replaces", '["g0"]'], ["origins", '{"name":["g0"]}']]


def test_row_of_a_replica_is_shown_with_how_far_the_copy_is_behind(tether: Tether, fake: FakeTether) -> None:
    copy = {
        "consumer": "shop",
        "token": "t1",
        "state": "behind",
        "lag": {"revisions": 7, "seconds": 1.5},
        "differs": True,
    }
    row = {"replica": "r", "key": "u", "state": "live", "data": {"name": "Ann"}, "token": "t1", "copy": copy}
    fake.answers["GET /v1/replicas/r/u"] = 200, row
    lines = tether("replicas", "get", "r", "u", "--freshness", "stale", "--consumer", "shop").out.splitlines()
    assert {"revisions behind  7", "seconds behind    1.5", "differs           yes"} <= {line.strip() for line in lines}
    assert fake.requests[0][1] == "/v1/replicas/r/u?freshness=stale&consumer=shop"


def test_value_that_is_wider_than_the_terminal_is_shown_whole(
    tether: Tether, fake: FakeTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as at a terminal
    monkeypatch.setenv("COLUMNS", "80")
    name = "x" * 200
    fake.answers["GET /v1/entities/group/a/b"] = 200, {**ENTITY, "data": {"name": name}}
    lines = tether("entities", "get", "group", "a/b").out.splitlines()
    assert max(map(len, lines)) < 100  # with escape codes
    assert f'{{"name":"{name}"}}' in "".join("".join(lines).split())


def test_why_shows_sentence_facts_and_history(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/relationships/gc/links/c1/why"] = 200, WHY
    said = tether("links", "why", "gc", "c1")
    for part in (
        "because it was requested",
        "Decided by",
        "ChannelCreated.v1",
        "Older",
        "ChannelRenamed.v1",
        "History",
        "g0",
    ):
        assert part in said.out
    assert tether("links", "why", "gc", "c1", "-o", "json").json == WHY


def test_control_characters_are_escaped_at_the_terminal(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/relationships/gc/links"] = page({**LINK, "child": "\x1b[2Jc[red]"})
    assert "\\x1b[2Jc[red]" in tether("links", "list", "gc").out


def test_long_table_is_not_wrapped_in_a_pipe(tether: Tether, fake: FakeTether) -> None:
    fake.answers["GET /v1/waiting"] = page({**WAIT, "reason": "r" * 500})
    assert "r" * 500 in tether("waiting", "list").out


def change(type: str, subject: str, data: dict[str, Any], **attributes: str) -> dict[str, Any]:
    return {"id": f"o-{subject}", "type": type, "subject": subject, **attributes, "data": data}


def test_feed_follows_from_page_to_page(tether: Tether, fake: FakeTether) -> None:
    changes = [change("EntityChanged", f"g{i}", {"change": "entity"}) for i in range(3)]
    pages = [FakeFeedPage(changes[:2], "n1"), FakeFeedPage([], "n2"), FakeFeedPage(changes[2:], "n3")]
    fake.sequences["GET /v1/feed"] = [(200, page) for page in pages]
    said = tether("feed", "follow", "--limit", "3", "--offset", "n0", "--kind", "group", "--changes-only")
    assert [orjson.loads(line)["subject"] for line in said.out.splitlines()] == ["g0", "g1", "g2"]
    queries = [parse_qs(urlsplit(path).query) for _, path, _, _ in fake.requests]
    assert [(query["offset"], query.get("live")) for query in queries] == [
        (["n0"], None),
        (["n1"], ["long-poll"]),
        (["n2"], ["long-poll"]),
    ]
    assert all((query["kind"], query["changes"]) == (["group"], ["only"]) for query in queries)


def test_feed_is_read_up_to_now_and_names_the_offset_to_go_on_from(tether: Tether, fake: FakeTether) -> None:
    changes = [change("EntityChanged", f"g{i}", {"change": "entity"}) for i in range(3)]
    pages = [FakeFeedPage(changes[:2], "n1", complete=False), FakeFeedPage(changes[2:], "n2")]
    fake.sequences["GET /v1/feed"] = [(200, page) for page in pages]
    said = tether("feed", "read", "--filters", '{"exact": {"type": "EntityChanged"}}')
    assert [orjson.loads(line)["subject"] for line in said.out.splitlines()] == ["g0", "g1", "g2"]
    assert "--offset n2" in said.err


def test_feed_shows_each_kind_of_change_as_a_line(tether: Tether, fake: FakeTether) -> None:
    link = {"change": "link", **LINK}
    changes = [
        change("EntityChanged", "ann", {"change": "entity", "state": "live"}, kind="person"),
        change("Linked", "c1", link, relationship="gc", parent="g1", state="linked"),
        change("Moved", "c1", {**link, "previous_parent": "g0"}, relationship="gc", parent="g1", state="linked"),
        change("Merged", "anne", {"change": "fact"}),
        change("Merged", "ann", {"change": "merged", "survivor": "anne"}, kind="person"),
        change("Unmerged", "ann", {"change": "unmerged"}, kind="person"),
        change("ActivityVoided", "ann", {"change": "activity", "state": "voided"}, kind="person", feed="activity"),
    ]
    fake.answers["GET /v1/feed"] = 200, FakeFeedPage(changes, "n")
    assert tether("feed", "follow", "--limit", "7", "-o", "text").out.splitlines() == [
        "person  ann  live",
        "gc  c1 → g1  linked",
        "gc  c1 → g1  linked, before g0",
        "Merged  anne",
        "person  ann → anne  merged",
        "person  ann  unmerged",
        "activity  person ann  voided",
    ]


def test_feed_retries_while_the_server_is_away(tether: Tether, fake: FakeTether) -> None:
    found = change("EntityChanged", "g1", {"change": "entity", "state": "live"}, kind="group")
    away = 503, {"title": "Unavailable", "detail": "PostgreSQL is away"}
    fake.sequences["GET /v1/feed"] = [(200, FakeFeedPage([], "n1")), away, (200, FakeFeedPage([found], "n2"))]
    said = tether("feed", "follow", "--limit", "1", "-o", "text")
    assert said == Said(0, "group  g1  live\n", "Retrying: Unavailable: PostgreSQL is away.\n")


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (("activity", "list", "person", "ann"), "/v1/entities/person/ann/activity"),
        (("links", "list", "person_ticket"), "/v1/relationships/person_ticket/links"),
    ],
    ids=["activity", "links"],
)
def test_all_pages_of_a_list_are_of_one_revision(
    tether: Tether, fake: FakeTether, command: tuple[str, ...], path: str
) -> None:
    fake.sequences[f"GET {path}"] = [page({"time": "1"}, following="n"), page({"time": "2"}, following="m"), page()]
    tether(*command, "--all", "--at-least", "first")
    queries = [parse_qs(urlsplit(request[1]).query) for request in fake.requests]
    assert [(query.get("as_of"), query.get("at_least"), query.get("cursor")) for query in queries] == [
        (None, ["first"], None),
        (["t"], None, ["n"]),
        (["t"], None, ["m"]),
    ]
