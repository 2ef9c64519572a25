"""The class with which a replica is declared: the fields of the entities of a kind that another service copies."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from hashlib import blake2b
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

    @property
    def declaration(self) -> str:
        """A digest of what it declares, in hex: a copy by another one has other fields, and must be made again."""
        declared = "\0".join((self.of, *sorted(self.fields)))
        return blake2b(declared.encode(), digest_size=8).hexdigest()

    def reduced(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The declared fields of an entity's data, as far as it has them."""
        return {name: data[name] for name in self.fields if name in data}
