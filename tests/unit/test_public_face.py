"""What `tether` exports, and what an import of it brings along."""

import subprocess
import sys

import pytest

import tether
from tether import declarations

LOADED = "import sys; import {}; print(*sorted(m.partition('.')[0] for m in sys.modules if '.' not in m))"


def loaded(module: str) -> set[str]:
    """The top-level modules that are there after an import in a process of its own."""
    command = [sys.executable, "-c", LOADED.format(module)]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_everything_that_is_exported_can_be_imported() -> None:
    assert {name for name in declarations.__all__ if not hasattr(tether, name)} == set()
    with pytest.raises(ImportError, match="cannot import name 'Nonsense' from 'tether'"):
        exec("from tether import Nonsense")  # noqa: S102


def test_import_of_tether_alone_loads_nothing_else() -> None:
    assert loaded("tether") & {"catalog", "errors", "pydantic", "facts"} == set()
    assert "catalog" in loaded("tether.declarations")
