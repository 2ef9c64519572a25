"""One validator for each catalog: to make one takes much longer than to validate a fact."""

from catalog.catalog import Catalog
from config import Limits
from facts.validation import Validator

_made: dict[int, tuple[Catalog, Validator]] = {}


def validator_of(catalog: Catalog) -> Validator:
    """Returns the validator of a catalog, with the default limits."""
    _, validator = _made.get(id(catalog)) or _made.setdefault(id(catalog), (catalog, Validator(catalog, Limits())))
    return validator
