"""docker-compose.yml, as far as it can be checked without an engine."""

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.main import app
from config import Limits, Settings
from tests.architecture.conftest import PRODUCT

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")
OUR_SERVICES = {"migrate": "migrate", "api": "serve", "worker": "worker", "dispatcher": "dispatcher"}
JOBS = {"temporal-schema", "temporal-namespace", "migrate"}
SECRETS = {"POSTGRES_PASSWORD", "POSTGRES_TETHER_PASSWORD", "POSTGRES_TEMPORAL_PASSWORD", "TETHER_ADMIN_KEY"}


@pytest.fixture(scope="module")
def services(root: Path) -> dict[str, Any]:
    """Service → its definition, merges and anchors resolved."""
    parsed: dict[str, Any] = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    services: dict[str, Any] = parsed["services"]
    return services


def texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def environment(services: dict[str, Any]) -> list[tuple[str, str | None]]:
    """(Variable, value) of every service; the value None hands on what .env says."""
    return [pair for service in services.values() for pair in service.get("environment", {}).items()]


def asked_of_the_user(services: dict[str, Any]) -> dict[str, str | None]:
    """Variable → its default; None where there is none."""
    given = {match["name"]: match for text in texts(services) for match in VARIABLE.finditer(text)}
    asked = {name: match["rest"] if match["how"] == ":-" else None for name, match in given.items()}
    return asked | dict.fromkeys(name for name, value in environment(services) if value is None)


def settings() -> dict[str, object]:
    """Variable → default, of everything that config reads."""
    fields = {f"TETHER_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    limits = {f"TETHER_LIMIT_{name.upper()}": field.default for name, field in Limits.model_fields.items()}
    return fields | limits


def test_it_has_every_process_of_a_production_deployment(services: dict[str, Any]) -> None:
    theirs = {"postgres", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui"}
    assert set(services) == theirs | set(OUR_SERVICES)


def test_our_services_start_with_commands_that_the_cli_has(services: dict[str, Any]) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group, as it has commands
    for service, command in OUR_SERVICES.items():
        assert services[service]["command"] == ["tether", command]
        assert command in commands


def test_images_are_pinned_or_built_here(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        assert ("build" in service) == (name in OUR_SERVICES), name
    temporal = {services[name]["image"].split(":")[1] for name in ("temporal", "temporal-schema", "temporal-namespace")}
    assert len(temporal) == 1, "the server and its tools are of one version"


def test_whatever_serves_has_a_health_check(services: dict[str, Any]) -> None:
    serving = set(services) - JOBS - {"dispatcher"}
    assert {name for name, service in services.items() if "healthcheck" in service} == serving
    for name in serving:
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(services[name]["healthcheck"]), name
    assert services["api"]["healthcheck"]["test"][-1].endswith("/healthz")


def test_dependencies_exist_and_wait_for_what_can_happen(services: dict[str, Any]) -> None:
    order = TopologicalSorter({name: set(service.get("depends_on", {})) for name, service in services.items()})
    assert set(order.static_order()) == set(services)
    for service in services.values():
        for name, needed in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if name in JOBS else "service_healthy"
            assert needed["condition"] == wanted, name


def test_services_come_back_and_jobs_end(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("on-failure:5" if name in JOBS else "unless-stopped"), name


def test_every_variable_of_ours_is_one_that_config_reads(services: dict[str, Any]) -> None:
    used = {name for name, _ in environment(services)}
    asked = asked_of_the_user(services)
    assert {name for name in used | set(asked) if name.startswith("TETHER_")} <= set(settings())


def test_defaults_are_those_of_config(services: dict[str, Any]) -> None:
    for name, default in asked_of_the_user(services).items():
        if default is not None and name in settings() and name != "TETHER_TEMPORAL_UI_URL":
            assert type(settings()[name])(default) == settings()[name], name  # type: ignore[call-arg]


def test_every_variable_is_documented(root: Path, services: dict[str, Any]) -> None:
    guide = (root / "deploy" / "README.md").read_text(encoding="utf-8")
    used = {name for name, _ in environment(services)}
    asked = asked_of_the_user(services)
    assert {name for name in used | set(asked) if f"`{name}`" not in guide} == set()
    for name, default in asked.items():
        assert default is None or f"| `{name}` | `{default}` |" in guide, name


def test_the_example_environment_holds_exactly_what_can_be_set(root: Path, services: dict[str, Any]) -> None:
    example = (root / "deploy" / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#?(\w+)=(.*)$", example, re.MULTILINE))
    asked = asked_of_the_user(services)
    assert set(shown) == set(asked)
    for name, default in asked.items():
        assert default is None or shown[name] == default, name
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == SECRETS


def test_no_secret_has_a_default(services: dict[str, Any]) -> None:
    required = [match for text in texts(services) for match in VARIABLE.finditer(text) if match["how"] == ":?"]
    assert {match["name"] for match in required} == SECRETS
    for name, value in environment(services):
        if re.search(r"PASSWORD|PWD|_KEY$", name):
            assert value in {match.group() for match in required}, name


def test_ports_are_published_on_loopback_unless_told_otherwise(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    defaults = {VARIABLE.sub(lambda match: match["rest"], port) for port in published}
    assert defaults == {"127.0.0.1:8233:8080", "127.0.0.1:8080:8080"}
    assert services["api"]["environment"]["TETHER_HOST"] == "0.0.0.0"


def test_mounted_files_exist(root: Path, services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = VARIABLE.sub(lambda match: match["rest"], volume).split(":")[0]
            assert source == "postgres" or (root / source).exists(), source


def test_the_image_holds_every_package_that_is_declared(root: Path) -> None:
    copied = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    declared = (root / "pyproject.toml").read_text(encoding="utf-8")
    for package in {*PRODUCT, "devstack", "examples"}:
        assert f"!{package}" in copied, package
        assert f'"{package}*"' in declared, package


def test_the_number_of_history_shards_is_chosen_for_good(services: dict[str, Any]) -> None:
    assert services["temporal"]["environment"]["NUM_HISTORY_SHARDS"] == "512"
