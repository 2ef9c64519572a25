"""Named queries, read from the ``.sql`` files beside the modules that call them.

A query begins with ``-- name: some_name`` and a sentence on what it does. ``:open`` stands for the
``to_revision`` of what is still valid.
"""

import re
from functools import cache
from pathlib import Path

OPEN = 9223372036854775807
"""``to_revision`` of a version that is still valid: the greatest bigint."""

_STORE = Path(__file__).parent.parent
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def queries() -> dict[str, str]:
    """Every query by its name; a name that is used twice is an error."""
    found: dict[str, str] = {}
    for file in sorted(_STORE.glob("*/*.sql")):
        parts = _NAME.split(file.read_text())
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"{file}: the query {name} exists already")
            found[name] = text.strip().replace(":open", str(OPEN))
    return found


def sql(name: str) -> str:
    """The text of one query."""
    return queries()[name]
