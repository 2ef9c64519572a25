"""Facts as CloudEvents that leave one Tether for another, and Tether's own facts as they come back.

An owner's fact is exported as its owner published it, and validated like any other when it is imported. Tether's own
facts have the source ``/tether``, from which no caller may publish; those of an export are taken if each is one that
Tether itself could have recorded. See docs/decisions/0032-merges-in-bulk.md.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from catalog import limits
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE
from catalog.relationship import as_key
from config import Limits
from errors import Unacceptable, Unknown
from facts import own_facts
from facts.elements import OWN_TYPES, own_change
from facts.envelope import ElementChange, Entry, Envelope, Reference
from facts.identity import OWN_EFFECTS
from facts.validation import Validator, check_text

HEADER = b'{"specversion":"1.0","source":"/tether","type":"Exported.v1"'
"""Begins the first line of an export, and no other."""
KIND = "entitykind"
"""The attribute with the kind of the entity that a fact of Tether's own is about."""


class ImportValidator:
    """Validates facts of an export: those of owners as ever, and those of Tether's own."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self._owners = Validator(catalog, limits)
        self._catalog = catalog
        self._limits = limits
        announced = {r.announce: r for r in catalog.relationships.values() if r.announce}
        self._announced = {f"{name}.v1": relationship for name, relationship in announced.items()}

    def misspelt(self, entry: Entry) -> tuple[str, ...]:
        """What looks misspelt: of Tether's own facts, nothing."""
        return () if entry.source == OWN_SOURCE else tuple(self._owners.misspelt(entry))

    @property
    def mapped(self) -> tuple[str, ...]:
        """No types: an export holds facts, not the messages that they were in."""
        return ()

    def validate_message(self, envelope: Envelope) -> list[Entry]:
        """Returns no entries: see `mapped`."""
        return []

    def validate(self, envelope: Envelope) -> Entry:
        """Returns the entry to record. Raises Unacceptable, with a reason that names what is wrong."""
        if envelope.source != OWN_SOURCE:
            return self._owners.validate(envelope)
        kind, key, data = (envelope.extensions or {}).get(KIND), envelope.subject, envelope.data
        if not isinstance(kind, str) or not key or not isinstance(data, dict):
            raise Unacceptable(f"a fact of {OWN_SOURCE} has a subject, the attribute {KIND}, and data")
        limits.check("subject", key, limits.KEY)
        limits.check("id", envelope.id, limits.ID)
        check_text((envelope.id, key, envelope.sequence, envelope.correlation, envelope.causation, data))
        if len(orjson.dumps(data)) > self._limits.fact:
            raise Unacceptable(f"too large: {self._limits.fact} bytes of data are taken")
        try:
            self._catalog.owner_of(kind)
            elements = self._elements(envelope.type, kind, key, data)
            names = () if elements else self._names(envelope.type, envelope.id, kind, key, data)
        except Unknown as error:
            raise Unacceptable(str(error)) from None
        return own_facts.entry(
            envelope.type.removesuffix(".v1"),
            kind,
            key,
            data,
            id=envelope.id,
            sequence=envelope.sequence,
            time=envelope.time,
            correlation=envelope.correlation,
            causation=envelope.causation,
            names=names,
            elements=elements,
        )

    def _elements(self, type: str, kind: str, key: str, data: Mapping[str, Any]) -> tuple[ElementChange, ...]:
        """What a fact of Tether's own changes in lists. Raises Unacceptable for one that it cannot have recorded."""
        if type not in OWN_TYPES:
            return ()
        relationship = self._catalog.relationship(_text(data, "relationship"))
        if not relationship.many:
            return ()
        for side in ("child", "parent"):
            limits.check(side, _text(data, side), limits.KEY)
        if relationship.listing_kind != kind or data[relationship.listing_side] != key:
            raise Unacceptable(f"{type}: is about the {relationship.listing_kind} that has the list")
        return (own_change(relationship, data, added=OWN_TYPES[type]),)

    def _names(self, type: str, id: str, kind: str, key: str, data: Mapping[str, Any]) -> tuple[Reference, ...]:
        """The references that a fact of Tether's own sets. Raises Unacceptable for one that it cannot have recorded."""
        if type in OWN_EFFECTS:
            self._check_identity(type, kind, key, data)
        elif type in ("Linked.v1", "Unlinked.v1"):
            relationship, parent = self._catalog.relationship(_text(data, "relationship")), data.get("parent")
            if relationship.child != kind or (parent is None) != (type == "Unlinked.v1"):
                raise Unacceptable(f"{type}: is about a {relationship.child}, and names a parent if it links it")
            if parent is not None:
                limits.check("parent", _text(data, "parent"), limits.KEY)
            return (Reference(relationship.name, as_key(parent)),)
        elif type == f"{own_facts.VOIDED}.v1":
            _check_void(type, id, data)
        elif type == f"{own_facts.ERASED}.v1":
            _text(data, "erasure")
        elif type == "RelationshipOverdue.v1":
            self._catalog.relationship(_text(data, "relationship"))
        elif type in self._announced:
            if self._announced[type].child != kind or _text(data, "child") != key:
                raise Unacceptable(f"{type}: is about its child")
            _text(data, "parent")
        else:
            raise Unacceptable(f"{OWN_SOURCE} records no fact of the type {type[:100]}")
        return ()

    def _check_identity(self, type: str, kind: str, key: str, data: Mapping[str, Any]) -> None:
        if kind not in self._catalog.contracts.merging:
            raise Unacceptable(f"{type}: entities of the kind {kind!r} cannot be merged")
        if "survivor" in data:
            keys, losers = [_text(data, "survivor")], data.get("losers")
            if not isinstance(losers, list) or not losers or keys[0] in losers:
                raise Unacceptable(f"{type}: names losers, and the survivor is none of them")
            keys += losers
        else:
            keys = [_text(data, "one"), _text(data, "other")]
            if keys[0].encode() >= keys[1].encode():
                raise Unacceptable(f"{type}: the smaller key of the pair is `one`")
        if type.startswith("MergeForbidden") == ("survivor" in data) or keys[0] != key:
            raise Unacceptable(f"{type}: has other fields, or another subject")
        for one in keys:
            if not isinstance(one, str) or not one:
                raise Unacceptable(f"{type}: {one!r} is no key")
            limits.check("a key", one, limits.KEY)


def _check_void(type: str, id: str, data: Mapping[str, Any]) -> None:
    source, voided, _ = (_text(data, name) for name in ("source", "id", "type"))
    if id != own_facts.void_id(source, voided):
        raise Unacceptable(f"{type}: its id is not that of the void of {voided[:100]!r}")


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Unacceptable(f"{name} must be a text that is not empty")
    return value
