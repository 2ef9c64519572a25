"""What facts of each type are checked by, looked up once for each fact."""

from typing import NamedTuple

from catalog.catalog import Catalog
from catalog.key_forms import KeyForm
from catalog.registry import Contract, Reading
from catalog.relationship import Relationship
from facts.misspellings import FieldNames


class TypeRules(NamedTuple):
    """What facts of one type are checked by.

    ``plain``: fields of its kind that hold the key of a parent in any form; ``more``: whether there is anything else to
    check than these and the fields; ``references``: all others; ``lists``: of its kind; ``requested``: relationships
    whose child it may be; ``reading``: how it is read, None: as it is; ``form``: the normal form of its keys, if one is
    declared, ``about_form``: of those of the entities that activity is about.
    """

    contract: Contract
    fields: FieldNames
    plain: tuple[str, ...]
    more: bool
    references: tuple[Relationship, ...]
    lists: tuple[Relationship, ...]
    requested: frozenset[str]
    reading: Reading | None
    form: KeyForm | None
    about_form: KeyForm | None


def rules_of(catalog: Catalog, contract: Contract) -> TypeRules:
    """What facts of a contract are checked by."""
    relationships, forms = catalog.by_child.get(contract.kind, ()), catalog.contracts.key_forms
    references = tuple(r for r in relationships if r.field is not None and not r.plain)
    lists = catalog.listing.get(contract.kind, ())
    return TypeRules(
        contract,
        FieldNames(contract.model),
        tuple(r.field for r in relationships if r.field is not None and r.plain),
        bool(references or lists or contract.identity or contract.element or contract.about),
        references,
        lists,
        frozenset(r.name for r in relationships if r.requested is not None),
        catalog.contracts.readings.get(contract.wire_type),
        forms.get(contract.kind),
        None if contract.about is None else forms.get(contract.about.kind),
    )
