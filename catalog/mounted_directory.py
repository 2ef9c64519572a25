"""Imports the modules of a mounted catalog directory, each under a private name.

Two directories may have modules of the same names, and so may Tether itself, so none of them goes on ``sys.path``. A
module ``contracts/posts.py`` below a directory becomes ``catalog_<hash of the directory>.contracts.posts``. Inside it,
``import`` looks into its own directory first, as it would with that directory at the front of ``sys.path``.
"""

import builtins
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, ModuleType


def package(root: Path) -> str:
    """Makes an empty package for a directory and returns its name; modules imported from it before are forgotten, so
    that each load reads the files as they are now."""
    name = f"catalog_{blake2b(os.fsencode(root), digest_size=8).hexdigest()}"
    for imported in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        del sys.modules[imported]
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = _Directory([str(root)])
    sys.modules[name] = module_from_spec(spec)
    return name


class _Directory(list[str]):
    """The ``__path__`` of a package that lies below a mounted directory."""


class _Finder(MetaPathFinder):
    """Finds modules below mounted directories, and no others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not isinstance(path, _Directory):
            return None
        # A new FileFinder each time: it caches what a folder holds, with the resolution of the file system's clock.
        found = FileFinder(path[0], (_Loader, [".py"])).find_spec(fullname)
        if found is not None and found.submodule_search_locations is not None:
            found.submodule_search_locations = _Directory(found.submodule_search_locations)
        return found


class _Loader(SourceFileLoader):
    """Runs a module with an ``import`` of its own, and writes no bytecode: such directories are mounted read-only."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        private = module.__name__.partition(".")[0]
        # CPython takes the ``__builtins__`` of a module's globals for all code in it, ``import`` included; see exec().
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": partial(_import, private)}
        super().exec_module(module)


def _import(
    private: str,
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """``__import__`` for the modules of the package ``private``: an absolute name that its directory has is taken from
    there, and any other from where Python finds it."""
    if level or not _has(Path(sys.modules[private].__path__[0]), name, fromlist or ()):
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    if fromlist:
        return builtins.__import__(f"{private}.{name}", globals, locals, fromlist)
    importlib.import_module(f"{private}.{name}")  # `import a.b` binds `a`
    return sys.modules[f"{private}.{name.partition('.')[0]}"]


def _has(root: Path, name: str, fromlist: Sequence[str]) -> bool:
    """Whether a directory has the module, or the folder with one of the modules in ``fromlist``."""
    if name.partition(".")[0] == "tether":
        return False
    path = root.joinpath(*name.split("."))
    if path.with_name(f"{path.name}.py").is_file() or (path / "__init__.py").is_file():
        return True
    if not path.is_dir():
        return False
    return not fromlist or any((path / f"{one}.py").is_file() or (path / one).is_dir() for one in fromlist)
