"""The commands that publish facts, and link or unlink."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Programs, Said
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")

EVENT = '{"specversion":"1.0","id":"e1","source":"/groups","type":"GroupCreated.v1","subject":"g1","data":{}}'
TAKEN = {"token": "t", "accepted": 1, "duplicates": 0, "quarantined": []}
OPERATION = {"id": "o1", "kind": "link", "state": "waiting", "relationship": "gc", "parent": "g1", "child": "c1"}


@pytest.fixture
def taken(fake: FakeTether) -> None:
    fake.answers["POST /v1/events"] = 202, TAKEN


@pytest.mark.usefixtures("taken")
def test_events_from_an_argument_a_file_or_standard_input(
    tether: Tether, fake: FakeTether, programs: Programs, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text(EVENT)
    tether("events", "publish", EVENT)
    tether("events", "publish", "-f", str(tmp_path / "event.json"))
    with (tmp_path / "event.json").open() as file:
        programs.start("events", "publish", stdin=file).communicate()
    tether("events", "publish", f" [{EVENT}]", "--strict")
    one, many = "application/cloudevents+json", "application/cloudevents-batch+json"
    assert [request[2]["content-type"] for request in fake.requests] == [one, one, one, many]
    assert [request[3].decode() for request in fake.requests] == [EVENT] * 3 + [f" [{EVENT}]"]
    assert [request[2].get("prefer") for request in fake.requests] == [None] * 3 + ["handling=strict"]


@pytest.mark.usefixtures("taken")
def test_event_is_made_from_options(tether: Tether, fake: FakeTether) -> None:
    options = ("--type", "GroupCreated.v1", "--source", "/groups", "--subject", "g1", "--data", '{"name":"x"}')
    said = tether("events", "publish", *options, "-o", "json")
    assert said.json == TAKEN
    event = orjson.loads(fake.requests[0][3])
    assert len(event.pop("id")) == 36
    assert event.pop("time")
    assert event == {
        "specversion": "1.0", "type": "GroupCreated.v1", "source": "/groups", "subject": "g1",
        "datacontenttype": "application/json", "data": {"name": "x"},
    }  # fmt: skip


@pytest.mark.usefixtures("taken")
def test_data_is_sent_as_it_was_written(tether: Tether, fake: FakeTether) -> None:
    data = '{"n": 12345678901234567.25, "n": 1.0}'
    tether("events", "publish", "--type", "GroupCreated.v1", "--source", "/groups", "--data", data)
    assert data.encode() in fake.requests[0][3]


@pytest.mark.usefixtures("taken")
def test_array_after_a_byte_order_mark_is_sent_as_a_batch(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    (tmp_path / "events.json").write_text(f"[{EVENT}]", encoding="utf-8-sig")
    tether("events", "publish", "-f", str(tmp_path / "events.json"))
    assert fake.requests[0][2]["content-type"] == "application/cloudevents-batch+json"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--type", "A.v1"), "--source: is missing"),
        (("--type", "A.v1", "--source", "/a", "--data", "{"), "--data: is not JSON"),
        (("-f", "nowhere.json"), "nowhere.json: cannot be read"),
    ],
)
def test_invalid_events_are_named_before_sending(
    tether: Tether, fake: FakeTether, options: tuple[str, ...], says: str
) -> None:
    said = tether("events", "publish", *options)
    assert (said.code, said.out, said.err.count("\n"), fake.requests) == (1, "", 1, [])
    assert says in said.err


def test_a_quarantined_event_is_a_failure(tether: Tether, fake: FakeTether) -> None:
    quarantined = [{"index": 0, "id": "e1", "reason": "no such contract"}]
    fake.answers["POST /v1/events"] = 202, {**TAKEN, "quarantined": quarantined}
    said = tether("events", "publish", EVENT)
    assert said.code == 1
    assert "e1: no such contract" in said.err


def test_rejected_events_are_a_failure_and_named(tether: Tether, fake: FakeTether) -> None:
    rejected = [{"index": 1, "id": None, "reason": "id: is missing"}]
    fake.answers["POST /v1/events"] = 202, {**TAKEN, "rejected": rejected}
    said = tether("events", "publish", f"[{EVENT}, {{}}]")
    assert said.code == 1
    assert "1 were rejected, the first is number 1: id: is missing. Correct" in said.err
    assert "accepted" in said.out


def test_warning_is_shown_and_is_no_failure(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/events"] = 202, {**TAKEN, "warnings": [{"index": 0, "reason": "is odd"}]}
    said = tether("events", "publish", EVENT)
    assert (said.code, said.err) == (0, "")
    assert "is odd" in said.out


def test_linking_sends_an_idempotency_key_and_can_wait_for_the_end(tether: Tether, fake: FakeTether) -> None:
    fake.answers["POST /v1/relationships/gc/links"] = 202, OPERATION
    fake.sequences["GET /v1/operations/o1"] = [(200, OPERATION), (200, {**OPERATION, "state": "done"})]
    said = tether("links", "link", "gc", "g1", "c1", "--wait", "-o", "json")
    assert (said.code, said.json["state"]) == (0, "done")
    _, _, headers, body = fake.requests[0]
    assert len(headers["idempotency-key"]) == 36
    assert orjson.loads(body) == {"parent": "g1", "child": "c1"}


def test_an_operation_that_was_refused_is_a_failure_with_its_reason(tether: Tether, fake: FakeTether) -> None:
    fake.answers["DELETE /v1/relationships/gc/links/c1"] = 202, OPERATION
    fake.answers["GET /v1/operations/o1"] = 200, {**OPERATION, "state": "refused", "reason": "c1 has no link"}
    said = tether("links", "unlink", "gc", "c1", "--wait", "--idempotency-key", "k")
    assert (said.code, said.err) == (1, "Error: Operation o1 was refused: c1 has no link.\n")
    assert fake.requests[0][2]["idempotency-key"] == "k"
    said = tether("operations", "get", "o1", "-o", "json")
    assert (said.code, said.json["reason"]) == (0, "c1 has no link")
