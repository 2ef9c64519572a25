"""Contracts over HTTP: the document, schemas with their URLs, and what clients may keep."""

from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Api
from tests.support.posting import ApiCaller, group


async def test_contracts_are_listed_with_schemas_whose_ids_resolve(api: Api) -> None:
    listed = await api.get("contracts")
    facts = {one["type"]: one for one in listed["items"]}
    created = facts["UserCreated.v1"]
    assert (created["kind"], created["owner"], created["effect"], created["version"]) == ("user", "users", "created", 1)
    assert created["schema"]["required"] == ["name", "email"]
    answer = await api.http.get(urlsplit(created["schema"]["$id"]).path)
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json() == created["schema"]
    assert {"kind": "team", "field": "event_id"} in next(
        one["uses"] for one in listed["relationships"] if one["name"] == "event_team"
    )
    assert {one["name"] for one in listed["replicas"]} == {"shopping_customer"}


@pytest.mark.parametrize("path", ["/v1/contracts", "/v1/contracts/UserCreated.v1"])
async def test_client_that_has_a_contract_gets_no_second_copy(api: Api, path: str) -> None:
    first = await api.http.get(path)
    again = await api.http.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await api.http.get(path, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_unknown_type_is_named_with_the_one_that_may_be_meant(api: Api) -> None:
    status, problem = await api.ask("contracts/UserCreate.v1")
    assert status == 404
    assert "is UserCreated.v1 meant?" in problem["detail"]


async def test_contracts_are_for_keys_that_may_read(caller: ApiCaller) -> None:
    for path in ("/v1/contracts", "/v1/contracts/GroupCreated.v1"):
        assert (await caller.ask("GET", path, key="read")).status == 200
        assert (await caller.ask("GET", path, key="publish:groups")).status == 403
        assert (await caller.ask("GET", path, key=None)).status == 401


async def test_event_that_names_another_schema_is_warned_of(caller: ApiCaller) -> None:
    own = "https://tether.test/prefix/v1/contracts/GroupCreated.v1"
    assert (await caller.event(group("g1", dataschema=own))).content["warnings"] == []
    for n, other in enumerate(("https://tether.test/v1/contracts/GroupRenamed.v1", "urn:x", "http://[")):
        warned = (await caller.event(group(f"h{n}", dataschema=other))).content
        assert warned["accepted"] == 1
        assert "is not the schema of GroupCreated.v1" in warned["warnings"][0]["reason"]


async def test_asyncapi_document_is_for_one_owner(api: Api) -> None:
    answer = await api.http.get("/asyncapi.json", params={"owner": "teams"})
    assert answer.headers["content-type"].startswith("application/vnd.aai.asyncapi+json")
    found = answer.json()
    assert (found["asyncapi"], found["servers"]["tether"]["host"]) == ("3.0.0", "tether.test")
    assert "receive.MoveTeam" in found["operations"]
    tag = {"if-none-match": answer.headers["etag"]}
    assert (await api.http.get("/asyncapi.json", params={"owner": "teams"}, headers=tag)).status_code == 304
    assert (await api.http.get("/asyncapi.json", params={"owner": "none"})).status_code == 404
    assert (await api.http.get("/asyncapi.json")).status_code == 422
