"""Deletions over HTTP: only of entities that an owner can delete, each once."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from catalog import catalog as catalogs
from config import Settings
from store.db.pool import Pool
from store.migrate import migrate
from tests.support.events import event
from tests.support.posting import ApiCaller, ApiResponse, keys
from tests.support.recording import TENANT, FactRecorder

STRICT = """
from tether import RESTRICT, Relationship

strict_event_team = Relationship(parent="event", child="team", via="event_id", on_parent_deleted=RESTRICT)
"""


async def delete(
    caller: ApiCaller, key: str = "e", kind: str = "event", again: str | None = None, by: str = "operate"
) -> ApiResponse:
    headers = {} if again is None else {"idempotency-key": again}
    return await caller.ask("DELETE", f"/v1/entities/{kind}/{key}", headers=headers, key=by)


@pytest.fixture
async def event_with_team(facts: FactRecorder) -> None:
    await facts.record(event("EventCreated", "e", 1, name="e"), event("TeamCreated", "t", 1, name="t", event_id="e"))


@pytest.fixture
async def strict(settings: Settings, pool: Pool, tmp_path: Path, event_with_team: None) -> AsyncIterator[ApiCaller]:
    """Someone at a Tether in which an event with teams is not to be deleted."""
    (tmp_path / "relationships").mkdir()
    (tmp_path / "relationships" / "strict_event_team.py").write_text(STRICT)
    await migrate(pool, catalogs.load([tmp_path]))
    app = create_app(settings.model_copy(update={"catalog": [tmp_path]}))
    shown = await keys(pool, TENANT, "other")
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://tether.test") as http,
    ):
        yield ApiCaller(http, shown, TENANT)


@pytest.mark.usefixtures("event_with_team")
async def test_a_deletion_is_an_operation_on_an_entity_with_its_progress(caller: ApiCaller) -> None:
    response = await delete(caller)
    operation = response.content
    assert response.status == 202
    assert (operation["kind"], operation["state"], operation["plan"]) == ("delete", "waiting", None)
    assert operation["entity"] == {"kind": "event", "key": "e"}
    assert (operation["relationship"], operation["parent"], operation["child"]) == (None, None, None)
    assert set(operation["progress"].values()) == {0}
    assert operation["workflow"]["id"] == "main/cascade/event/e"
    assert await caller.get(f"operations/{operation['id']}") == operation


async def test_key_may_contain_slashes_and_spaces(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(event("EventCreated", "a/b c", 1, name="e"))
    response = await delete(caller, "a%2Fb%20c")
    assert (response.status, response.content["entity"]["key"]) == (202, "a/b c")


@pytest.mark.usefixtures("event_with_team")
async def test_repeated_deletion_starts_one_operation(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(event("EventCreated", "e2", 1, name="e"))
    first = await delete(caller, again="k")
    assert (await delete(caller, again="k")).content == first.content
    assert (await delete(caller)).content["id"] == first.content["id"]
    response = await delete(caller, "e2", again="k")
    assert (response.status, response.slug) == (409, "idempotency-mismatch")


async def test_deletion_without_entity_or_command_is_refused(caller: ApiCaller, facts: FactRecorder) -> None:
    await facts.record(event("CategoryAdded", "c", 1, name="c"))
    await facts.record(event("EventCreated", "gone", 1, name="e"), event("EventDeleted", "gone", 2))
    for key, kind, status, slug in (
        ("none", "event", 404, "unknown"),
        ("e", "nokind", 404, "unknown"),
        ("gone", "event", 409, "conflict"),
        ("c", "category", 409, "conflict"),
        ("a%00", "event", 422, "bad-request"),
    ):
        response = await delete(caller, key, kind)
        assert (response.status, response.slug) == (status, slug)
    assert "deletes='category'" in (await delete(caller, "c", "category")).content["detail"]


async def test_restricted_deletion_names_the_children(strict: ApiCaller) -> None:
    response = await delete(strict, again="k")
    assert (response.status, response.slug) == (409, "restricted")
    assert "team 't' belongs to event 'e' by strict_event_team" in response.content["detail"]
    assert (await strict.get("operations"))["items"] == []


async def test_plan_says_which_child_restricts_its_deletion(strict: ApiCaller, pool: Pool) -> None:
    made = await strict.ask("POST", "/v1/plans", json={"delete": {"kind": "event", "key": "e"}})
    assert made.status == 201
    (reason,) = made.content["restricted"]
    assert "team 't' belongs to event 'e' by strict_event_team" in reason
    path = f"plans/{made.content['id']}"
    assert (await strict.get(path))["restricted"] == [reason]
    stored = await pool.fetchval("select report -> 'restricted' -> 0 from plans")
    assert (stored["code"], stored["details"]["child"]) == ("restricted", "t")

    sentence = "event 'e' cannot be deleted: as earlier versions stored it"
    await pool.execute(
        "update plans set report = jsonb_set(report::jsonb, '{restricted}', jsonb_build_array($1::text))::json",
        sentence,
    )
    assert (await strict.get(path))["restricted"] == [sentence]


@pytest.mark.usefixtures("event_with_team")
@pytest.mark.parametrize("scope", ["read", "publish:groups"])
async def test_deletion_requires_an_operate_key(caller: ApiCaller, scope: str) -> None:
    response = await delete(caller, by=scope)
    assert (response.status, response.slug) == (403, "forbidden")
