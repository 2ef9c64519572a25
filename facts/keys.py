"""The keys in a fact: of the entity that it is about, and of the parents that it names."""

from typing import Any

import orjson

from catalog import limits
from catalog.key_forms import KeyForm
from catalog.registry import Contract
from catalog.relationship import Relationship
from errors import Unacceptable


def normal(form: KeyForm, kind: str, key: str) -> str:
    """The key in its normal form. Raises Unacceptable if it has none, or is too long in it."""
    found = form.normal(key)
    if found is None:
        reason = f"{key[:100]!r} is no key of a {kind}, which has the form {form.value}"
        raise Unacceptable(reason, "key_invalid", kind)
    limits.check("the key", found, limits.KEY)
    return found


def in_form(form: KeyForm, kind: str, key: str) -> tuple[str, str | None]:
    """The key in its normal form, and if that is another one the subject as JSON, as it was published."""
    found = normal(form, kind, key)
    return found, None if found == key else orjson.dumps({"subject": key}).decode()


def key_of(contract: Contract, subject: str | None, data: dict[str, Any], id: str) -> str:
    """The key of the entity that a fact is about. ``id``: the fact's, for activity without a key."""
    key = subject
    if contract.key_field is not None:
        declared = data.get(contract.key_field)
        if type(declared) is int:
            declared = str(declared)
        if declared is not None and subject is not None and declared != subject:
            reason = f"subject {subject!r} and {contract.key_field} {declared!r} differ"
            raise Unacceptable(reason, "key_differs", contract.key_field)
        key = declared if declared is not None else subject
    if key is None and contract.about is not None:
        limits.check("the id, which stands for a subject,", id, limits.KEY)
        return id
    if not isinstance(key, str) or not key:
        wanted = f"subject or {contract.key_field}" if contract.key_field else "subject"
        reason = f"names no {contract.kind}: {wanted} is missing"
        raise Unacceptable(reason, "key_missing", contract.key_field or "subject")
    limits.check("the key", key, limits.KEY)
    return key


def check_plain(field: str, data: dict[str, Any]) -> None:
    """Raises Unacceptable unless this field of a child's data names a parent, whose keys have any form, or none."""
    value = data.get(field)
    if value is None or type(value) is int:
        return
    if type(value) is not str or not value:
        reason = f"{field} must name a parent: a text of 1 to {limits.KEY} bytes, an integer, or null"
        raise Unacceptable(reason, "reference_invalid", field)
    limits.check(field, value, limits.KEY)


def check_reference(relationship: Relationship, data: dict[str, Any]) -> None:
    """Raises Unacceptable unless the child's data name a parent, or none: in any field, and in the form of its keys."""
    value, form, field = relationship.value_in(data), relationship.parent_form, str(relationship.field)
    if form is not None and type(value) is int:
        value = str(value)
    check_plain(field, {field: value})
    if form is not None and value is not None:
        limits.check(field, normal(form, relationship.parent, value), limits.KEY)
