"""Facts of older versions, and keys in other spellings, as what their owners declare that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from unicodedata import normalize
from uuid import UUID

from catalog.catalog import Catalog
from catalog.key_forms import KeyForm
from catalog.vocabulary import Effect
from facts.json_numbers import plain


def newest_data(catalog: Catalog, type: str, effect: Effect | None, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns what a fact says in the words of its newest version: step by step, as long as an upcaster leads on.

    ``effect``: None: what a fact says of no state is read as it is, unless it is about one key of a list.
    """
    found: Any = data
    contract = catalog.contracts.by_type.get(type)
    while effect is not None or (contract is not None and contract.element is not None):
        following = [(new, upcaster) for (old, new), upcaster in catalog.contracts.upcasters.items() if old == type]
        if not following:
            break
        ((type, upcaster),) = following
        found = plain(upcaster.function(deepcopy(dict(found))))
    return found  # type: ignore[no-any-return]  # of functions that users write


def newest_type(catalog: Catalog, type: str) -> str:
    """Returns the type in whose words `newest_data` returns the data of facts of a type."""
    following = [new for old, new in catalog.contracts.upcasters if old == type]
    return newest_type(catalog, following[0]) if following else type


def normal_key(form: KeyForm | None, key: str) -> str:
    """Returns a key as it is spelled in the normal form of its kind; what has none stays as it is."""
    if form is KeyForm.NFC:
        return normalize("NFC", key)
    if form is KeyForm.CASE_FOLDED:
        return normalize("NFC", normalize("NFD", normalize("NFD", key).casefold()))
    return _uuid(key) if form is KeyForm.UUID else key


def _uuid(key: str) -> str:
    digits = key.lower().removeprefix("urn:uuid:")
    if digits.startswith("{") and digits.endswith("}"):
        digits = digits[1:-1]
    try:
        found = UUID(digits)
    except ValueError:
        return key
    return str(found) if digits in (str(found), found.hex) else key
