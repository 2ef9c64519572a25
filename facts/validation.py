"""Validates a fact before it enters the ledger: its contract, size, depth, key and references."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import ValidationError

from catalog import limits
from catalog.catalog import Catalog
from catalog.registry import OWN_SOURCE, Contract
from catalog.vocabulary import Effect
from config import Limits
from errors import Unacceptable
from facts import activity, identity
from facts.correlation import RequestedFor, decode
from facts.envelope import Entry, Envelope, Reference
from facts.json_numbers import plain
from facts.misspellings import FieldNames, nearest
from facts.order_key import order_key

_SHORT = limits.SEQUENCE // 4
"""Characters of a text that exceeds no limit: most facts have no longer attributes, and need no further look."""


class Validator:
    """Validates facts against the catalog in force. One instance per process."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self._catalog = catalog
        self._limits = limits
        self._contracts = catalog.contracts.by_type
        self._fields = {type: FieldNames(contract.model) for type, contract in self._contracts.items()}
        self._owners = catalog.contracts.owners
        self._references = {
            kind: tuple(r.field for r in rels if r.field is not None) for kind, rels in catalog.by_child.items()
        }
        self._requested = {
            kind: frozenset(r.name for r in rels if r.requested is not None) for kind, rels in catalog.by_child.items()
        }

    def owner(self, type: str) -> str | None:
        """The owner whose fact this is; None for an unknown type."""
        contract = self._contract(type)
        return contract.owner if contract is not None else None

    def is_source_of(self, owner: str, source: str) -> bool:
        """Whether facts of this owner may have this source."""
        known = self._owners.get(owner)
        return known is not None and known.publishes_from(source)

    def _contract(self, type: str) -> Contract | None:
        return self._contracts.get(type) or self._contracts.get(f"{type}.v1")

    def misspelt(self, entry: Entry) -> Iterable[str]:
        """A sentence for each name in a valid fact's data that looks like an optional field misspelt."""
        return self._fields[entry.type].misspelt(self._contracts[entry.type], entry.data)

    def validate(self, envelope: Envelope) -> Entry:
        """Returns the entry to record. Raises Unacceptable, with a reason that names what is wrong."""
        source, id, type, subject, sequence, time, data, *traced, extensions = envelope
        contract = self._contract(type)
        if contract is None:
            limits.check("type", type, limits.ATTRIBUTE)
            near = nearest(type, self._contracts, likeness=0.85)
            hint = "" if near is None else f"; is {near} meant?"
            raise Unacceptable(f"unknown type: no contract declares {type}{hint}")
        if len(source) > _SHORT or len(id) > _SHORT or len(sequence or "") > _SHORT or extensions or any(traced):
            _check_sizes(envelope)
        if source.startswith(OWN_SOURCE) and (source == OWN_SOURCE or source[len(OWN_SOURCE)] == "/"):
            raise Unacceptable(f"source {OWN_SOURCE} is Tether's own")
        if data is None:
            data = {}
        if self._check_shape(data):
            data = plain(data)
        key = _key(contract, subject, data, id)
        _check_contract(contract, self._fields[contract.wire_type], key, data)
        for field in self._references.get(contract.kind, ()):
            _check_reference(field, data)
        try:
            body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
            head = orjson.dumps((contract.wire_type, key, sequence, source, id, traced, extensions))
        except orjson.JSONEncodeError as error:
            check_text((source, id, key, sequence, traced, extensions, data))
            raise Unacceptable(f"cannot be kept as JSON: {error}") from None
        if len(body) > self._limits.fact:
            raise Unacceptable(f"too large: {len(body)} bytes of data, {self._limits.fact} are taken")
        if b"\\u0000" in head or b"\\u0000" in body:
            check_text((source, id, key, sequence, traced, extensions, data))
        correlation, causation, traceparent = traced
        named = decode(correlation) if contract.effect is Effect.CREATED else None
        return Entry(  # by position: with nineteen names, the call takes three times as long, for every fact
            source,
            id,
            contract.wire_type,
            contract.name,
            contract.kind,
            key,
            contract.effect,
            sequence,
            time,
            data,
            body.decode(),
            correlation,
            causation,
            traceparent,
            None if extensions is None else orjson.dumps(extensions).decode(),
            order_key(sequence, time, contract.effect),
            digest(contract.wire_type, key, sequence, named, body),
            self._names(contract.kind, named) if named is not None else (),
        )

    def _names(self, kind: str, named: RequestedFor) -> tuple[Reference, ...]:
        if named.relationship not in self._requested.get(kind, ()):
            return ()
        limits.check("the parent that correlationid names", named.parent, limits.KEY)
        return (Reference(*named),)

    def _check_shape(self, data: Any) -> bool:
        """Raises Unacceptable unless data is an object of limited depth. Whether it spells an integer as a fraction."""
        if type(data) is not dict:
            raise Unacceptable("data is no JSON object")
        spelled = False
        for value in data.values():
            kind = type(value)
            if kind is dict or kind is list:
                spelled = _check_depth(value, self._limits.depth - 1) or spelled
            elif kind is float and value.is_integer():
                spelled = True
        return spelled


def digest(type: str, key: str, sequence: str | None, named: RequestedFor | None, body: bytes) -> bytes:
    """Returns 16 bytes that are the same for every delivery of the same fact.

    ``named``: what the correlation id names, declared or not; ``body``: the data as JSON with sorted names and plain
    numbers. The other parameters are those of ``Entry``. Neither the time nor any other attribute has a part in it: a
    publisher or broker may set them again at every attempt.
    """
    request: tuple[str, ...] | None = None
    if named is not None:
        created = () if named.created is None else (named.created.hex(),)
        request = (named.relationship, named.parent, *created)
    return blake2b(orjson.dumps((type, key, sequence, request)) + body, digest_size=16).digest()


def check_text(value: Any) -> None:
    """Raises Unacceptable if any text in a value contains what cannot be stored: NUL or a lone surrogate."""
    if isinstance(value, str):
        if "\x00" in value:
            raise Unacceptable("a text holds a NUL character")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unacceptable("a text holds a lone surrogate") from None
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name)
            check_text(item)
    elif isinstance(value, list | tuple):
        for item in value:
            check_text(item)


def _check_depth(value: Any, levels: int) -> bool:
    if levels <= 0:
        raise Unacceptable("nested too deep")
    spelled = False
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is dict or kind is list:
            spelled = _check_depth(item, levels - 1) or spelled
        elif kind is float and item.is_integer():
            spelled = True
    return spelled


def _key(contract: Contract, subject: str | None, data: dict[str, Any], id: str) -> str:
    """The key of the entity that a fact is about. ``id``: the fact's, for activity without a key."""
    key = subject
    if contract.key_field is not None:
        declared = data.get(contract.key_field)
        if declared is not None and subject is not None and declared != subject:
            raise Unacceptable(f"subject {subject!r} and {contract.key_field} {declared!r} differ")
        key = declared if declared is not None else subject
    if key is None and contract.about is not None:
        limits.check("the id, which stands for a subject,", id, limits.KEY)
        return id
    if not isinstance(key, str) or not key:
        wanted = f"subject or {contract.key_field}" if contract.key_field else "subject"
        raise Unacceptable(f"names no {contract.kind}: {wanted} is missing")
    limits.check("the key", key, limits.KEY)
    return key


def _check_contract(contract: Contract, fields: FieldNames, key: str, data: dict[str, Any]) -> None:
    _check_fields(contract, fields, data)
    if contract.identity is not None:
        identity.check(contract, key, data)
    elif contract.about is not None:
        activity.check(contract, data)


def _check_fields(contract: Contract, fields: FieldNames, data: dict[str, Any]) -> None:
    validator = contract.model.__pydantic_validator__
    try:
        validator.validate_python(data)
        return
    except ValidationError:
        pass
    try:  # JSON mode accepts dates and the like as text, which strict Python mode refuses
        validator.validate_json(orjson.dumps(data))
    except orjson.JSONEncodeError as error:
        check_text(data)
        raise Unacceptable(f"cannot be kept as JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "data"
        hint = fields.hint(place, data) if first["type"] == "missing" else ""
        raise Unacceptable(f"breaks {contract.wire_type}: {place}: {first['msg']}{hint}") from None


def _check_reference(field: str, data: dict[str, Any]) -> None:
    value = data.get(field)
    if value is None or type(value) is int:
        return
    if type(value) is not str or not value:
        raise Unacceptable(f"{field} must name a parent: a text of 1 to {limits.KEY} bytes, an integer, or null")
    limits.check(field, value, limits.KEY)


def _check_sizes(envelope: Envelope) -> None:
    limits.check("source", envelope.source, limits.SOURCE)
    limits.check("id", envelope.id, limits.ID)
    if envelope.sequence is not None:
        limits.check("sequence", envelope.sequence, limits.SEQUENCE)
    if envelope.correlation is not None:
        limits.check("correlationid", envelope.correlation, limits.ATTRIBUTE)
    if envelope.causation is not None:
        limits.check("causationid", envelope.causation, limits.ATTRIBUTE)
    if envelope.traceparent is not None:
        limits.check("traceparent", envelope.traceparent, limits.ATTRIBUTE)
    for name, value in (envelope.extensions or {}).items():
        limits.check("the name of an attribute", name, limits.ATTRIBUTE)
        if type(value) is str:
            limits.check(name, value, limits.ATTRIBUTE)
