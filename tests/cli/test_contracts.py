"""`tether contracts …`: what it compares with what, what it says, and its exit codes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.app import create_app
from api.http.published import PublishedContracts
from catalog import catalog
from config import Settings
from store.db import credentials
from store.db.pool import Pool
from tests.cli.conftest import Said
from tests.support.contract_files import ContractFiles
from tests.support.fake_tether import FakeTether, ServedFake
from tests.support.recording import TENANT
from tests.support.serving import serving

Tether = Callable[..., Said]


@pytest.fixture
def files(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> ContractFiles:
    monkeypatch.setenv("TETHER_CATALOG", str(tmp_path / "shops"))
    return ContractFiles.create(tmp_path / "shops")


def test_unchanged_contracts_are_compatible_in_every_mode(tether: Tether, files: ContractFiles) -> None:
    for mode in ("BACKWARD", "FORWARD", "full", "BACKWARD_TRANSITIVE", "NONE"):
        said = tether("contracts", "check", "--mode", mode)
        assert (said.code, said.err) == (0, "")
        assert said.out == f"No contract differs from HEAD.\n\nCompatible ({mode.upper()}).\n"


def test_added_optional_field_breaks_nothing(tether: Tether, files: ContractFiles) -> None:
    files.change("phone: str", "web: str | None = None\n    phone: str")
    said = tether("contracts", "check", "--mode", "FULL")
    assert said.code == 0
    assert "web: added, optional: string | null" in said.out


def test_field_that_becomes_required_names_example_and_dependents(tether: Tether, files: ContractFiles) -> None:
    files.change("phone: str | None = None", "phone: str")
    said = tether("contracts", "check")
    assert said.code == 1
    assert "breaks backward  phone: may be absent, and is required" in said.out
    assert 'such as {"title":"a"}' in said.out
    assert "concerns replica shop_window" in said.out
    assert "declare another version" in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert tether("contracts", "check", "--mode", "FORWARD").code == 0
    assert tether("contracts", "check", "--mode", "NONE").code == 0


def test_field_of_a_relationship_names_the_relationship(tether: Tether, files: ContractFiles) -> None:
    files.change("city: str | None = None\nclass", "city: str\nclass")
    found = tether("contracts", "check", "-o", "json")
    broken = [one for one in found.json["changes"] if one["incompatible"]]
    assert (found.code, found.json["compatible"], found.json["mode"]) == (1, False, "BACKWARD")
    assert {concern for one in broken for concern in one["concerns"]} == {"relationship city_shop"}
    assert {one["about"] for one in broken} == {"ShopMoved.v1", "ShopOpened.v1"}
    lines = tether("contracts", "check", "-o", "jsonl").out.splitlines()
    assert [orjson.loads(line)["what"] for line in lines] == [one["what"] for one in found.json["changes"]]


def test_diff_says_the_same_without_a_verdict(tether: Tether, files: ContractFiles) -> None:
    files.change("phone: str | None = None", "phone: str")
    said = tether("contracts", "diff")
    assert said.code == 0
    assert "breaks backward" in said.out
    assert "ompatible" not in said.out


def test_transitive_check_finds_what_each_step_hides(tether: Tether, files: ContractFiles) -> None:
    first = files.git("rev-parse", "HEAD")
    files.change("    phone: str | None = None\n", "    seats: str\n    phone: str | None = None\n")
    files.commit()
    files.change("    seats: str\n", "")
    files.commit()
    files.change("title: str", "title: str\n    seats: int | None = None")
    assert tether("contracts", "check", "--against", first).code == 0
    assert tether("contracts", "check", "--against", "HEAD").code == 0
    said = tether("contracts", "check", "--against", first, "--mode", "BACKWARD_TRANSITIVE")
    assert said.code == 1
    assert "seats: may be a string" in said.out


def test_exported_document_can_be_compared_with(tether: Tether, files: ContractFiles, tmp_path: Path) -> None:
    exported = tmp_path / "contracts.json"
    assert tether("contracts", "export", "--format", "json", "-o", str(exported)).code == 0
    assert tether("contracts", "check", "--against", str(exported)).code == 0
    files.change("ShopMoved", "ShopRelocated")
    said = tether("contracts", "check", "--against", str(exported))
    assert said.code == 1
    assert "ShopMoved.v1\n  breaks backward  is not declared any more" in said.out


@pytest.mark.parametrize("against", ["no-such-revision", "{tmp}/bad.json", "http://127.0.0.1:9"])
def test_what_cannot_be_compared_has_exit_code_2(
    tether: Tether, files: ContractFiles, tmp_path: Path, against: str
) -> None:
    (tmp_path / "bad.json").write_text("{}")
    said = tether("contracts", "check", "--against", against.format(tmp=tmp_path))
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("Error: ")


def test_declarations_that_cannot_be_loaded_have_exit_code_2(tether: Tether, files: ContractFiles) -> None:
    files.change("    phone: str | None = None\n", "")
    said = tether("contracts", "check")
    assert said.code == 2
    assert "shop_window: no fact of 'shop' has the field 'phone'" in said.err


def test_several_states_need_a_transitive_mode(tether: Tether, files: ContractFiles) -> None:
    assert tether("contracts", "check", "--against", "HEAD", "--against", "HEAD").code == 2


def test_names_that_are_not_in_the_past_tense_are_warned_of(tether: Tether, files: ContractFiles) -> None:
    files.change("class ShopMoved(", "class ShopMove(")
    files.commit()
    said = tether("contracts", "check")
    assert said.code == 0
    assert "ShopMove.v1\n  past-tense " in said.out
    assert tether("contracts", "check", "--strict").code == 1


def test_running_tether_names_the_consumers_concerned(
    server: ServedFake, tether: Tether, fake: FakeTether, files: ContractFiles
) -> None:
    published = PublishedContracts(catalog.load([files.root]))
    fake.answers["GET /v1/contracts"] = 200, orjson.loads(published.whole(server.url))
    consumers: list[dict[str, Any]] = [
        {"name": "window", "filter": {"replica": "shop_window"}},
        {"name": "map", "filter": {"relationship": "city_shop"}},
        {"name": "all", "filter": {}},
        {"name": "searched", "filter": {"filters": '[{"any": [{"exact": {"relationship": "city_shop"}}]}]'}},
    ]
    fake.answers["GET /v1/consumers"] = 200, {"items": consumers, "next": None}
    assert tether("contracts", "check", "--against", server.url).code == 0
    files.change("phone: str | None = None", "phone: str")
    (files.root / "relationships/city_shop.py").unlink()
    said = tether("contracts", "check", "--against", server.url, "-o", "json")
    concerned = {one["about"]: one["concerns"] for one in said.json["changes"] if one["incompatible"]}
    assert said.code == 1
    assert concerned == {
        "ShopOpened.v1": ["consumer window", "replica shop_window"],
        "relationship city_shop": ["consumer map", "consumer searched"],
        "consumer map": [],
        "consumer searched": [],
    }


async def test_check_against_a_real_tether_needs_only_to_read(
    tether: Tether, settings: Settings, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.acquire() as conn:
        monkeypatch.setenv("TETHER_KEY", await credentials.create(conn, TENANT, "ci", "read"))
    app = create_app(settings)
    async with app.router.lifespan_context(app), serving(app) as served:
        url = f"http://127.0.0.1:{served.port}"
        said = await asyncio.to_thread(tether, "contracts", "check", "--against", url, "--mode", "FULL")
    assert said == Said(0, f"No contract differs from {url}.\n\nCompatible (FULL).\n", "")


def test_list_and_show_read_a_running_tether(server: ServedFake, tether: Tether, fake: FakeTether) -> None:
    published = PublishedContracts(catalog.load())
    fake.answers["GET /v1/contracts"] = 200, orjson.loads(published.whole(server.url))
    schema = orjson.loads(published.schema(server.url, "UserCreated.v1"))
    fake.answers["GET /v1/contracts/UserCreated.v1"] = 200, schema
    listed = tether("contracts", "list").out.splitlines()
    assert listed[0].split() == ["TYPE", "KIND", "OWNER", "EFFECT"]
    assert ["UserCreated.v1", "user", "users", "created"] in [line.split() for line in listed]
    assert max(map(len, listed)) <= 80
    shown = tether("contracts", "show", "UserCreated.v1").out.splitlines()
    assert shown[0] == "UserCreated.v1: A user has signed up."
    assert ["email", "string", "yes"] in [line.split() for line in shown]
    assert tether("contracts", "show", "UserCreated.v1", "-o", "json").json == schema
