"""Finds and imports the modules of declarations: those of this tree, and those of mounted catalog directories."""

import importlib
import os
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from catalog import mounted_directory
from errors import BadDeclaration

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("contracts", "relationships", "replicas")
"""The packages of this tree that hold declarations, and nothing else."""

_FORMER_MODULES = ("contracts.vocabulary", "relationships.definition", "catalog.vocabulary", "catalog.relationship")
"""Modules from which declarations used to import what `tether` exports now."""
_RENAMED = {
    "Asked": "Requested",  # former name
    "Still": "ExpectedParent",
    "patience": "grace",  # former name
}
"""Former name → present name of what declarations use."""


def modules(directories: Iterable[Path], *, own: bool = True) -> Iterator[ModuleType]:
    """Imports every module of declarations of this tree (if ``own``), then every one below the given directories.

    A directory is a plain folder: each ``.py`` file in it or in any of its sub-folders is a module of declarations.
    Files and folders whose name begins with ``.`` or ``_`` are imported only by others, and folders named ``tests``
    not at all. Modules of one directory import each other as they would with that directory on ``sys.path``, or
    relatively. Raises BadDeclaration for a directory that does not exist and a module that cannot be imported.
    """
    for name in PACKAGES if own else ():
        for file in _files(ROOT / name):
            yield _module(file, name, ROOT / name)
    for directory in directories:
        root = directory.absolute()
        if not root.is_dir():
            raise BadDeclaration(str(directory), "no such directory", "Check TETHER_CATALOG.")
        if root.resolve() == ROOT:
            raise BadDeclaration(
                str(directory), "this is Tether's own folder, which is always read", "Remove it from TETHER_CATALOG."
            )
        package = mounted_directory.package(root)
        for file in _files(root):
            yield _module(file, package, root)


_NO_DECLARATIONS = {"tests", "venv", "site-packages", "node_modules"}
"""Folders that hold something else, wherever they lie."""


def _may_declare(name: str) -> bool:
    return name.endswith(".py") and name[0] not in "._" and not name.startswith("test_") and name != "conftest.py"


def _files(root: Path) -> list[Path]:
    """The modules below a folder, sorted; tests and virtual environments are no declarations.

    Symbolic links are followed: Kubernetes mounts files and folders as links.
    """
    found: list[Path] = []
    visited: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if name[0] not in "._" and name not in _NO_DECLARATIONS]
        if (real := os.path.realpath(folder)) in visited:
            folders.clear()
            continue
        visited.add(real)
        found += [Path(folder, name) for name in files if _may_declare(name)]
    return sorted(found)


def _module(file: Path, package: str, root: Path) -> ModuleType:
    """Imports a file below ``root``, which is the directory of ``package``."""
    parts = file.relative_to(root).with_suffix("").parts
    if any("." in part for part in parts):
        raise BadDeclaration(str(file), "the name of a module or its folder has no dots", "Rename it.")
    try:
        return importlib.import_module(".".join((package, *parts)))
    except Exception as error:  # whatever a user's module raises is a mistake in that module
        where = str(_blamed(error, root) or file)
        raise BadDeclaration(where, f"{type(error).__name__}: {error}", _mend(error)) from error


def _blamed(error: Exception, root: Path) -> Path | None:
    """The innermost file below ``root`` that was being imported: another one than the first if that imports it."""
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        files.append(Path(error.filename))
    return next((file for file in reversed(files) if file.is_relative_to(root)), None)


def _mend(error: Exception) -> str:
    name = (error.name or "") if isinstance(error, ImportError) else ""
    if isinstance(error, ImportError | TypeError):
        for former, present in _RENAMED.items():
            if f"'{former}'" in str(error):
                return f"{former} is called {present} now."
    if name in _FORMER_MODULES:
        return "Import it from tether: from tether import …."
    if isinstance(error, ModuleNotFoundError) and name.partition(".")[0] in PACKAGES:
        return "Neither this catalog directory nor Tether has such a module: check its name."
    return "Mend the module."
