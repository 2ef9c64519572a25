"""Imports the declaration modules of a directory."""

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from errors import BadDeclaration

ROOT = Path(__file__).resolve().parent.parent


def modules(directories: Iterable[Path]) -> Iterator[ModuleType]:
    """Every module of the directories, by name; a directory inside the project is imported as its package, and any
    other within a package made of its parent, so that ``from ..contracts.posts import …`` works there.

    Raises BadDeclaration if a directory is not there or a module cannot be imported.
    """
    for directory in directories:
        if not directory.is_dir():
            raise BadDeclaration(str(directory), "no such directory", "Check TETHER_CATALOG.")
        root = directory.parent.resolve()
        package = directory.name if root == ROOT else f"{_package(root)}.{directory.name}"
        for file in sorted((root / directory.name).glob("*.py")):
            if file.stem != "__init__":
                yield _module(file, package)


def _package(root: Path) -> str:
    """The package of a directory outside the project: named after its whole path, which may hold any characters."""
    name = f"catalog_{blake2b(os.fsencode(root), digest_size=8).hexdigest()}"
    if name not in sys.modules:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(root)]
        sys.modules[name] = module_from_spec(spec)
    return name


def _module(file: Path, package: str) -> ModuleType:
    if "." in file.stem:
        raise BadDeclaration(str(file), "a module's name has no dots", "Rename the file.")
    try:
        return importlib.import_module(f"{package}.{file.stem}")
    except Exception as error:  # whatever a user's module raises is a mistake in that module
        raise BadDeclaration(str(file), f"{type(error).__name__}: {error}", _mend(error)) from error


def _mend(error: Exception) -> str:
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    if missing.startswith(("contracts.", "relationships.")):
        return f"If it lies in the same directory, import it by two dots: from ..{missing} import …."
    return "Mend the module."
