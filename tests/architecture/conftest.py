"""The tree under test, as the tests of this folder read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

PRODUCT = (
    "tether",
    "catalog",
    "facts",
    "messages",
    "contracts",
    "relationships",
    "replicas",
    "workflows",
    "activities",
    "gateways",
    "store",
    "model",
    "api",
    "cli",
)
TOOLS = ("devstack", "examples", "bench")
MODULES = ("errors", "garbage", "logs", "config", "temporal", "starter", "strays", "dispatcher", "worker")


def sources(root: Path, *names: str) -> Iterator[Path]:
    """The Python files of the named packages and root modules, sorted."""
    for name in names:
        package = root / name
        yield from sorted(package.rglob("*.py")) if package.is_dir() else [root / f"{name}.py"]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of pyproject.toml."""
    return Path(__file__).resolve().parents[2]
