"""The class with which a replica is declared: the fields of the entities of a kind that another service copies."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any


@dataclass(frozen=True)
class Replica:
    """Other services get these fields of the entities of a kind, and no others.

    ``name``: that of its file; ``of``: the kind; ``fields``: fields that facts about the kind declare, in the order in
    which answers have them.
    """

    name: str
    _: KW_ONLY
    of: str
    fields: tuple[str, ...]

    def reduced(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The declared fields of an entity's data, as far as it has them."""
        return {name: data[name] for name in self.fields if name in data}
