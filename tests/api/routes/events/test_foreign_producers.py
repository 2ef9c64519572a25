"""Events as others make them: by headers, and by the `cloudevents` package."""

import json
from urllib.parse import quote

import pytest
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.support.events import Event
from tests.support.posting import Door

CE = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/groups", "ce-type": "GroupCreated.v1"}


async def binary(door: Door, subject: str | None, **more: str) -> dict[str, object]:
    headers = {**CE, **({} if subject is None else {"ce-subject": subject}), **more}
    said = await door.post('{"name": "x"}', "application/json", **headers)
    assert said.status == 202, said.content
    content: dict[str, object] = said.content
    return content


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("plain", "plain"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("100%25", "100%"),
        ("%e9", None),
        ("50%", "50%"),
        ("%zz", "%zz"),
        ("a+b", "a+b"),
        ('"quoted"', "quoted"),
        ('"a \\"b\\" \\\\"', 'a "b" \\'),
        ('"', '"'),
        ("%22x%22", '"x"'),
        ("%00", None),
        ("%ED%A0%80", None),
    ],
)
async def test_attributes_in_headers_are_decoded(door: Door, header: str, key: str | None) -> None:
    said = await binary(door, header)
    if key is None:
        assert said["accepted"] == 0
        assert len(await door.quarantine()) == 1
    else:
        assert await door.facts() == [key]


async def test_a_fact_without_a_subject_names_nothing(door: Door) -> None:
    said = await binary(door, None)
    assert (said["accepted"], "subject is missing" in str(said["quarantined"])) == (0, True)


@pytest.mark.parametrize("missing", ["id", "source", "type"])
async def test_a_missing_header_is_named(door: Door, missing: str) -> None:
    headers = {name: value for name, value in CE.items() if name != f"ce-{missing}"}
    said = await door.post("{}", "application/json", **headers)
    assert (said.slug, said.content["field"], said.content["index"]) == ("malformed-event", missing, None)


async def test_another_version_of_cloudevents_is_refused(door: Door) -> None:
    said = await door.post("{}", "application/json", **{**CE, "ce-specversion": "0.3"})
    assert (said.slug, said.content["field"]) == ("malformed-event", "specversion")


def foreign(subject: str) -> CloudEvent:
    attributes = {
        "id": "1",
        "source": "/groups",
        "type": "GroupCreated.v1",
        "subject": subject,
        "sequence": "7",
        "datacontenttype": "application/json",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": "a=b,c=d",
    }
    return CloudEvent(attributes=attributes, data={"name": "Straße 😀"})


@pytest.mark.parametrize("subject", ["g1", "a b%c/é", 'with "quotes"'])
async def test_a_foreign_producers_event_is_the_same_in_both_modes(door: Door, subject: str) -> None:
    event = foreign(subject)
    format = JSONFormat()
    accepted = []
    for message in (to_binary(event, format), to_structured(event, format)):
        headers = {name.lower(): value for name, value in message.headers.items()}
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        said = await door.post(body, headers.pop("content-type"), **headers)
        assert said.status == 202, said.content
        accepted.append((said.content["accepted"], said.content["duplicates"]))
    assert accepted == [(1, 0), (0, 1)]
    known = await door.get(f"entities/group/{quote(subject, safe='')}")
    assert (known["key"], known["data"], known["sequence"]) == (subject, {"name": "Straße 😀"}, "7")


async def test_the_same_fact_by_headers_and_as_one_object_is_one_fact(door: Door) -> None:
    await binary(door, "g1", **{"ce-sequence": "1", "ce-time": "2013-01-01T00:00:00Z"})
    event: Event = {name.removeprefix("ce-"): value for name, value in CE.items()}
    event |= {"subject": "g1", "sequence": 1, "time": "2013-01-01T01:00:00.000000+01:00", "data": {"name": "x"}}
    assert (await door.post(json.dumps(event))).content["duplicates"] == 1
