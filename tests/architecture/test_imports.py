"""The imports that import-linter cannot check: root modules and third-party packages."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from tests.architecture.conftest import MODULES, PRODUCT, TOOLS, sources

OURS = {*PRODUCT, *TOOLS, *MODULES, "tests"}
GROUND = {"errors", "config", "garbage", "logs"}
BELOW_STARTER = GROUND | {"temporal"} | set(PRODUCT) - {"api", "cli"}

MAY_IMPORT = {
    "errors": set[str](),
    "config": {"errors"},
    "garbage": set[str](),
    "logs": {"config"},
    "temporal": GROUND,
    "starter": BELOW_STARTER,
    "strays": BELOW_STARTER | {"starter"},
    "dispatcher": BELOW_STARTER | {"starter", "strays"},
    "worker": BELOW_STARTER,
}


def imported(file: Path) -> set[str]:
    """The top-level names that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES)
def test_root_modules_import_only_lower_layers(root: Path, module: str) -> None:
    assert imported(root / f"{module}.py") & OURS - {module} <= MAY_IMPORT[module]


def test_production_code_imports_only_packages_locked_for_the_image(root: Path) -> None:
    lock = (root / "deploy" / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    providers = importlib.metadata.packages_distributions()
    missing = {
        f"{file.relative_to(root)} imports {name}"
        for file in sources(root, *PRODUCT, *MODULES)
        for name in imported(file) - OURS - sys.stdlib_module_names
        if locked.isdisjoint(re.sub(r"[-_.]+", "-", d).lower() for d in providers.get(name, [name]))
    }
    assert missing == set()


def test_answers_are_streamed_by_the_module_that_looks_at_their_keys(root: Path) -> None:
    streaming = [file for file in sources(root, "api") if b"StreamingResponse(" in file.read_bytes()]
    assert [str(file.relative_to(root)) for file in streaming] == ["api/http/open_answers.py"]


@pytest.mark.parametrize(
    ("package", "others"),
    [("contracts", set[str]()), ("relationships", {"contracts"}), ("replicas", set[str]())],
)
def test_declarations_import_tether_and_the_standard_library(root: Path, package: str, others: set[str]) -> None:
    allowed = {"tether"} | others | sys.stdlib_module_names
    assert {f"{file.name}: {name}" for file in sources(root, package) for name in imported(file) - allowed} == set()


@pytest.mark.parametrize("directory", ["bench/catalog", "tests/support/catalogs/league", "tests/support/catalogs/yard"])
def test_mounted_declarations_import_nothing_else_of_tether(root: Path, directory: str) -> None:
    files = sorted((root / directory).rglob("*.py"))
    assert files
    beside = {path.stem for path in (root / directory).iterdir()}
    allowed = {"tether"} | beside | sys.stdlib_module_names
    assert {f"{file.name}: {name}" for file in files for name in imported(file) - allowed} == set()
