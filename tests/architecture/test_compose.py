"""docker-compose.yml, as far as it can be checked without a Docker engine."""

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.main import app
from config import Limits, QuarantineLimits, Retention, Settings
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


def user_variables(services: dict[str, Any]) -> dict[str, str | None]:
    """Variable that a user may set → its default; None if it has none."""
    given = {match["name"]: match for text in texts(services) for match in VARIABLE.finditer(text)}
    variables = {name: match["rest"] if match["how"] == ":-" else None for name, match in given.items()}
    return variables | dict.fromkeys(name for name, value in environment(services) if value is None)


def settings() -> dict[str, object]:
    """Variable → default, of everything that config reads."""
    fields = {f"TETHER_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    limits = {f"TETHER_LIMIT_{name.upper()}": field.default for name, field in Limits.model_fields.items()}
    retention = {f"TETHER_RETENTION_{name.upper()}": field.default for name, field in Retention.model_fields.items()}
    kept = {f"TETHER_QUARANTINE_{name.upper()}": one.default for name, one in QuarantineLimits.model_fields.items()}
    return fields | limits | retention | kept


def test_compose_has_every_process_of_a_production_deployment(services: dict[str, Any]) -> None:
    theirs = {"postgres", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui"}
    assert set(services) == theirs | set(OUR_SERVICES)


def test_compose_services_run_existing_tether_commands(services: dict[str, Any]) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group, as it has commands
    for service, command in OUR_SERVICES.items():
        assert services[service]["command"] == ["tether", command]
        assert command in commands


def test_compose_images_are_pinned_or_built_from_this_tree(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        assert ("build" in service) == (name in OUR_SERVICES), name
    temporal = {services[name]["image"].split(":")[1] for name in ("temporal", "temporal-schema", "temporal-namespace")}
    assert len(temporal) == 1, "the server and its tools are of one version"


def test_every_serving_container_has_a_health_check(services: dict[str, Any]) -> None:
    serving = set(services) - JOBS - {"dispatcher"}
    assert {name for name, service in services.items() if "healthcheck" in service} == serving
    for name in serving:
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(services[name]["healthcheck"]), name
    assert services["api"]["healthcheck"]["test"][-1].endswith("/healthz")


def test_compose_dependencies_wait_for_health_or_for_a_job_to_complete(services: dict[str, Any]) -> None:
    order = TopologicalSorter({name: set(service.get("depends_on", {})) for name, service in services.items()})
    assert set(order.static_order()) == set(services)
    for service in services.values():
        for name, needed in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if name in JOBS else "service_healthy"
            assert needed["condition"] == wanted, name


def test_compose_restarts_services_but_not_completed_jobs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("on-failure:5" if name in JOBS else "unless-stopped"), name


def test_every_tether_variable_in_compose_is_a_setting(services: dict[str, Any]) -> None:
    used = {name for name, _ in environment(services)}
    variables = user_variables(services)
    assert {name for name in used | set(variables) if name.startswith("TETHER_")} <= set(settings())


def test_compose_defaults_equal_the_defaults_of_settings(services: dict[str, Any]) -> None:
    for name, default in user_variables(services).items():
        if default is not None and name in settings() and name != "TETHER_TEMPORAL_UI_URL":
            assert type(settings()[name])(default) == settings()[name], name  # type: ignore[call-arg]


def test_every_compose_variable_is_documented(root: Path, services: dict[str, Any]) -> None:
    guide = (root / "deploy" / "README.md").read_text(encoding="utf-8")
    used = {name for name, _ in environment(services)}
    variables = user_variables(services)
    assert {name for name in used | set(variables) if f"`{name}`" not in guide} == set()
    for name, default in variables.items():
        assert default is None or f"| `{name}` | `{default}` |" in guide, name


def test_example_environment_lists_exactly_the_compose_variables(root: Path, services: dict[str, Any]) -> None:
    example = (root / "deploy" / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#?(\w+)=(.*)$", example, re.MULTILINE))
    variables = user_variables(services)
    assert set(shown) == set(variables)
    for name, default in variables.items():
        assert default is None or shown[name] == default, name
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == SECRETS


def test_compose_secrets_have_no_default(services: dict[str, Any]) -> None:
    required = [match for text in texts(services) for match in VARIABLE.finditer(text) if match["how"] == ":?"]
    assert {match["name"] for match in required} == SECRETS
    for name, value in environment(services):
        if re.search(r"PASSWORD|PWD|_KEY$", name):
            assert value in {match.group() for match in required}, name


def test_compose_publishes_ports_on_loopback_by_default(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    defaults = {VARIABLE.sub(lambda match: match["rest"], port) for port in published}
    assert defaults == {"127.0.0.1:8233:8080", "127.0.0.1:8080:8080"}
    assert services["api"]["environment"]["TETHER_HOST"] == "0.0.0.0"


def test_files_mounted_by_compose_exist(root: Path, services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = VARIABLE.sub(lambda match: match["rest"], volume).split(":")[0]
            assert source == "postgres" or (root / source).exists(), source


def test_image_contains_every_declared_package(root: Path) -> None:
    copied = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    declared = (root / "pyproject.toml").read_text(encoding="utf-8")
    for package in {*PRODUCT, "devstack", "examples"}:
        assert f"!{package}" in copied, package
        assert f'"{package}*"' in declared, package


def test_compose_sets_512_history_shards(services: dict[str, Any]) -> None:
    assert services["temporal"]["environment"]["NUM_HISTORY_SHARDS"] == "512"
