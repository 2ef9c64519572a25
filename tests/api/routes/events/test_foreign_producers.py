"""Events of other producers: in binary mode, and made by the `cloudevents` package."""

import json
from urllib.parse import quote

import pytest
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.support.events import Event
from tests.support.posting import ApiCaller

CE = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/groups", "ce-type": "GroupCreated.v1"}


async def binary(caller: ApiCaller, subject: str | None, **more: str) -> dict[str, object]:
    headers = {**CE, **({} if subject is None else {"ce-subject": subject}), **more}
    response = await caller.post('{"name": "x"}', "application/json", **headers)
    assert response.status == 202, response.content
    content: dict[str, object] = response.content
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
async def test_attributes_in_headers_are_decoded(caller: ApiCaller, header: str, key: str | None) -> None:
    response = await binary(caller, header)
    if key is None:
        assert response["accepted"] == 0
        assert len(await caller.quarantine()) == 1
    else:
        assert await caller.facts() == [key]


async def test_fact_without_subject_is_quarantined(caller: ApiCaller) -> None:
    response = await binary(caller, None)
    assert (response["accepted"], "subject is missing" in str(response["quarantined"])) == (0, True)


@pytest.mark.parametrize("missing", ["id", "source", "type"])
async def test_a_missing_header_is_named(caller: ApiCaller, missing: str) -> None:
    headers = {name: value for name, value in CE.items() if name != f"ce-{missing}"}
    response = await caller.post("{}", "application/json", **headers)
    assert (response.slug, response.content["field"], response.content["index"]) == ("malformed-event", missing, None)


async def test_another_version_of_cloudevents_is_refused(caller: ApiCaller) -> None:
    response = await caller.post("{}", "application/json", **{**CE, "ce-specversion": "0.3"})
    assert (response.slug, response.content["field"]) == ("malformed-event", "specversion")


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
async def test_foreign_producers_event_is_the_same_in_both_modes(caller: ApiCaller, subject: str) -> None:
    event = foreign(subject)
    format = JSONFormat()
    accepted = []
    for message in (to_binary(event, format), to_structured(event, format)):
        headers = {name.lower(): value for name, value in message.headers.items()}
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        response = await caller.post(body, headers.pop("content-type"), **headers)
        assert response.status == 202, response.content
        accepted.append((response.content["accepted"], response.content["duplicates"]))
    assert accepted == [(1, 0), (0, 1)]
    known = await caller.get(f"entities/group/{quote(subject, safe='')}")
    assert (known["key"], known["data"], known["sequence"]) == (subject, {"name": "Straße 😀"}, "7")


async def test_the_same_fact_by_headers_and_as_one_object_is_one_fact(caller: ApiCaller) -> None:
    await binary(caller, "g1", **{"ce-sequence": "1", "ce-time": "2013-01-01T00:00:00Z"})
    event: Event = {name.removeprefix("ce-"): value for name, value in CE.items()}
    event |= {"subject": "g1", "sequence": 1, "time": "2013-01-01T01:00:00.000000+01:00", "data": {"name": "x"}}
    assert (await caller.post(json.dumps(event))).content["duplicates"] == 1
