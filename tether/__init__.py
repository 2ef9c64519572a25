"""The public face: everything that declarations of facts, commands, relationships and replicas import.

``from tether import Created, Owner, Relationship, Wait`` is the same in this tree, in a mounted catalog directory and
in tests of your own. Such a test loads its declarations with ``load_catalog([directory])``, which returns the `Catalog`
of Tether's own declarations and those of the directories, or raises `BadDeclaration` with the file and the mend.

What is exported is imported at its first use, so that `tether.consumer` and `tether.audits`, which consumers import or
copy, stand alone.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether.declarations import *  # noqa: F403  # its __all__ is what is exported
else:
    _MODULES = ("audits", "consumer", "declarations")

    def __getattr__(name: str) -> Any:
        """An exported class, constant or function. Raises AttributeError for any other name."""
        if name in _MODULES:  # the statement that names it imports it
            raise AttributeError(name)
        return getattr(importlib.import_module("tether.declarations"), name)
