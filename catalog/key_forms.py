"""Normal forms of keys: spellings of one key that owners use side by side, and the one under which Tether keeps it.

``OWNER = Owner("users", keys={"user": CaseFolded})``: every key of a user is normalized where it enters, in facts, in
references of other kinds, in paths of the API and in commands. The ledger keeps what was published beside it.
"""

import re
from enum import StrEnum
from unicodedata import normalize

_UUID = re.compile(
    r"(?:urn:uuid:)?(\{)?([0-9a-f]{8})(-?)([0-9a-f]{4})\3([0-9a-f]{4})\3([0-9a-f]{4})\3([0-9a-f]{12})(?(1)\})",
    re.IGNORECASE | re.ASCII,
)


class KeyForm(StrEnum):
    """A normal form. Each is idempotent: the normal form of a key in normal form is that key."""

    NFC = "nfc"
    """Unicode normal form C: composed and decomposed accents are the same key."""
    CASE_FOLDED = "case_folded"
    """Unicode case folding, in normal form C: ``Ada@Example.com`` and ``ada@example.com`` are the same key."""
    UUID = "uuid"
    """Lower case with hyphens, as in RFC 9562; without hyphens, in braces or with ``urn:uuid:`` is the same key."""

    def normal(self, key: str) -> str | None:
        """The normal form of a key; None if it has none, as what is no UUID."""
        if self is KeyForm.UUID:
            found = _UUID.fullmatch(key)
            return None if found is None else "-".join(found.group(2, 4, 5, 6, 7)).lower()
        if self is KeyForm.NFC:
            return normalize("NFC", key)
        return key.lower() if key.isascii() else _folded(key)


def _folded(key: str) -> str:
    """Unicode's canonical caseless match (The Unicode Standard, D145), composed."""
    return normalize("NFC", normalize("NFD", normalize("NFD", key).casefold()))


Nfc = KeyForm.NFC
CaseFolded = KeyForm.CASE_FOLDED
Uuid = KeyForm.UUID
