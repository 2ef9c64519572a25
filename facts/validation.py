"""Validates a fact before it enters the ledger: its contract, size, depth, key and references."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import ValidationError

from catalog import limits
from catalog.catalog import Catalog
from catalog.message_mapping import MessageMapping
from catalog.registry import OWN_SOURCE, Contract, Reading
from catalog.vocabulary import Effect
from config import Limits
from errors import Unacceptable
from facts import activity, elements, identity, keys, message_facts
from facts.correlation import RequestedFor, decode
from facts.envelope import Entry, Envelope, Reference
from facts.json_numbers import plain
from facts.keys import check_plain, key_of
from facts.misspellings import FieldNames, nearest
from facts.order_key import order_key
from facts.reading import apply
from facts.type_rules import TypeRules, rules_of

_SHORT = limits.SEQUENCE // 4
"""Characters of a text that exceeds no limit: most facts have no longer attributes, and need no further look."""


class Validator:
    """Validates facts against the catalog in force. One instance per process."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self._limits = limits
        self._contracts = catalog.contracts
        self._rules = {type: rules_of(catalog, contract) for type, contract in catalog.contracts.by_type.items()}
        self._owners = catalog.contracts.owners

    def owner(self, type: str) -> str | None:
        """The owner whose fact or message this is; None for an unknown type."""
        rules = self._of(type)
        if rules is not None:
            return rules.contract.owner
        mapping = self._contracts.mappings.get(type)
        return mapping.owner if mapping is not None else None

    def is_source_of(self, owner: str, source: str) -> bool:
        """Whether facts of this owner may have this source."""
        known = self._owners.get(owner)
        return known is not None and known.publishes_from(source)

    def _of(self, type: str) -> TypeRules | None:
        return self._rules.get(type) or self._rules.get(f"{type}.v1")

    def misspelt(self, entry: Entry) -> Iterable[str]:
        """A sentence for each name in a valid fact's data that looks like an optional field misspelt."""
        rules = self._rules[entry.type]
        data = entry.data if rules.reading is None else orjson.loads(entry.body)
        return rules.fields.misspelt(rules.contract, data)

    @property
    def mapped(self) -> Mapping[str, MessageMapping]:
        """By their type: the messages of other systems that are mapped to facts."""
        return self._contracts.mappings

    def validate_message(self, envelope: Envelope) -> list[Entry]:
        """Returns the entries of a message. Raises Unacceptable if it cannot be mapped, or one of its facts is bad."""
        _check_sizes(envelope)
        envelope = envelope._replace(data=self._shaped(envelope.data))
        mapping = self._contracts.mappings[envelope.type]
        found = [self.validate(fact) for fact in message_facts.read(mapping, envelope)]
        if found:
            whole = message_facts.published(envelope)
            if len(whole) > self._limits.fact:
                raise Unacceptable(f"too large: {len(whole)} bytes, {self._limits.fact} are taken", "too_large")
            found[0] = found[0]._replace(published=whole)
        return [one._replace(part=part) for part, one in enumerate(found, 1)]

    def validate(self, envelope: Envelope) -> Entry:
        """Returns the entry to record. Raises Unacceptable, with a reason that names what is wrong."""
        source, id, type, subject, sequence, time, data, *traced, extensions = envelope
        rules = self._rules.get(type) or self._of(type)
        if rules is None:
            limits.check("type", type, limits.ATTRIBUTE)
            near = nearest(type, self._rules, likeness=0.85)
            hint = "" if near is None else f"; is {near} meant?"
            raise Unacceptable(f"unknown type: no contract declares {type}{hint}", "unknown_type", "type")
        contract, fields, plain, more, _, lists, requested, reading, form, _ = rules
        if len(source) > _SHORT or len(id) > _SHORT or len(sequence or "") > _SHORT or extensions or any(traced):
            _check_sizes(envelope)
        if source.startswith(OWN_SOURCE) and (source == OWN_SOURCE or source[len(OWN_SOURCE)] == "/"):
            raise Unacceptable(f"source {OWN_SOURCE} is Tether's own", "reserved_source", "source")
        data = self._shaped(data)
        given = key_of(contract, subject, data, id)
        key, published = (given, None) if form is None else keys.in_form(form, contract.kind, given)
        _check_fields(contract, fields, data)
        read = data if reading is None else self._read(reading, given, data)
        for field in plain:
            check_plain(field, read)
        if more:
            _check_more(rules, key, data)
            _check_parents(rules, read)
        try:
            body = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
            head = orjson.dumps((contract.wire_type, key, sequence, source, id, traced, extensions))
        except orjson.JSONEncodeError as error:
            check_text((source, id, key, sequence, traced, extensions, data))
            raise Unacceptable(f"cannot be kept as JSON: {error}", "not_storable") from None
        if len(body) > self._limits.fact:
            raise Unacceptable(f"too large: {len(body)} bytes of data, {self._limits.fact} are taken", "too_large")
        if b"\\u0000" in head or b"\\u0000" in body:
            check_text((source, id, key, sequence, traced, extensions, data))
        correlation, causation, traceparent = traced
        named = decode(correlation) if contract.effect is Effect.CREATED else None
        return Entry(  # by position: with twenty names, the call takes three times as long, for every fact
            source,
            id,
            contract.wire_type,
            contract.name,
            contract.kind,
            key,
            contract.effect,
            sequence,
            time,
            read,
            body.decode(),
            correlation,
            causation,
            traceparent,
            None if extensions is None else orjson.dumps(extensions).decode(),
            order_key(sequence, time, contract.effect),
            digest(contract.wire_type, key, sequence, named, body),
            _names(requested, named) if named is not None else (),
            published,
            1,
            elements.changes_of(lists, contract, read) if lists else (),
        )

    def _read(self, newest: Reading, given: str, data: dict[str, Any]) -> dict[str, Any]:
        """The data of a fact of an older version in the shape of the newest, which are checked like any. ``given``: its
        key. Of activity the data as they are: what it is about is in its own version."""
        read, contract = self._shaped(apply(newest, data)), newest.contract
        try:
            rules = self._rules[contract.wire_type]
            _check_fields(contract, rules.fields, read)
            _check_more(rules, given, read)
            keys.key_of(contract, given, read, given)
            body = orjson.dumps(read)
            if b"\\u0000" in body:
                check_text(read)
        except Unacceptable as error:
            raise Unacceptable(f"is read as {contract.wire_type}: {error}", error.code, error.field) from None
        if len(body) > self._limits.fact:
            reason = f"too large: {len(body)} bytes as {contract.wire_type}, {self._limits.fact} are taken"
            raise Unacceptable(reason, "too_large")
        return data if contract.about is not None else read

    def _shaped(self, data: Any) -> dict[str, Any]:
        """The data with integers spelled as such; none: an empty object. Raises Unacceptable unless it is an object of
        limited depth."""
        if data is None:
            return {}
        if type(data) is not dict:
            raise Unacceptable("data is no JSON object", "data_not_object", "data")
        spelled = False
        for value in data.values():
            kind = type(value)
            if kind is dict or kind is list:
                spelled = _check_depth(value, self._limits.depth - 1) or spelled
            elif kind is float and value.is_integer():
                spelled = True
        return plain(data) if spelled else data


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
            raise Unacceptable("a text holds a NUL character", "not_storable")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unacceptable("a text holds a lone surrogate", "not_storable") from None
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name)
            check_text(item)
    elif isinstance(value, list | tuple):
        for item in value:
            check_text(item)


def _check_depth(value: Any, levels: int) -> bool:
    if levels <= 0:
        raise Unacceptable("nested too deep", "too_deep")
    spelled = False
    for item in value.values() if type(value) is dict else value:
        kind = type(item)
        if kind is dict or kind is list:
            spelled = _check_depth(item, levels - 1) or spelled
        elif kind is float and item.is_integer():
            spelled = True
    return spelled


def _names(requested: frozenset[str], named: RequestedFor) -> tuple[Reference, ...]:
    if named.relationship not in requested:
        return ()
    limits.check("the parent that correlationid names", named.parent, limits.KEY)
    return (Reference(*named),)


def _check_parents(rules: TypeRules, data: dict[str, Any]) -> None:
    for relationship in rules.references:
        keys.check_reference(relationship, data)
    for listing in rules.lists:
        elements.check_list(listing, data)


def _check_more(rules: TypeRules, key: str, data: dict[str, Any]) -> None:
    contract = rules.contract
    if contract.identity is not None:
        identity.check(contract, key, data, rules.form)
    elif contract.element is not None:
        elements.check_changes(rules.lists, contract, data)
    elif contract.about is not None:
        activity.check(contract, data, rules.about_form)


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
        raise Unacceptable(f"cannot be kept as JSON: {error}", "not_storable") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "data"
        missing = first["type"] == "missing"
        hint = fields.hint(place, data) if missing else ""
        code = "field_missing" if missing else "field_invalid"
        reason = f"breaks {contract.wire_type}: {place}: {first['msg']}{hint}"
        raise Unacceptable(reason, code, place.split(".")[0]) from None


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
