"""Imports the declaration modules of a directory."""

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from errors import BadDeclaration

ROOT = Path(__file__).resolve().parent.parent


def modules(directories: Iterable[Path]) -> Iterator[ModuleType]:
    """Every module of the directories, by name; a directory inside the project is imported as its package.

    Raises BadDeclaration if a directory is not there or a module cannot be imported.
    """
    for directory in directories:
        if not directory.is_dir():
            raise BadDeclaration(str(directory), "no such directory", "Check TETHER_CATALOG.")
        for file in sorted(directory.glob("*.py")):
            if file.stem != "__init__":
                yield _module(file.resolve())


def _module(file: Path) -> ModuleType:
    try:
        if file.parent.parent == ROOT:
            return importlib.import_module(f"{file.parent.name}.{file.stem}")
        name = f"catalog.{file.parent.parent.name}.{file.parent.name}.{file.stem}"
        if name in sys.modules and sys.modules[name].__file__ == str(file):
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise BadDeclaration(str(file), "cannot be imported", "Is it a Python module?")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except BadDeclaration:
        raise
    except Exception as error:  # whatever a user's module raises is a mistake in that module
        raise BadDeclaration(str(file), f"{type(error).__name__}: {error}", "Mend the module.") from error
    return module
