"""A library for JSON Schemas (PyPI jsonsubschema) says of closed schemas what the comparison says.

It knows neither references nor newer keywords, and answers with yes or no. Its yes is refuted by an example.
"""

from typing import Any

from hypothesis import given, reject, settings
from jsonschema import Draft4Validator  # type: ignore[import-untyped]
from jsonsubschema import isSubschema  # type: ignore[import-untyped]

from catalog.schemas.branches import is_anything
from catalog.schemas.closing import closed
from catalog.schemas.containment import gaps
from catalog.schemas.contract_schema import LAX, Schema, schema_of
from tests.support.contract_shapes import fact
from tests.support.contract_verdicts import Fields
from tests.support.contract_versions import common_shapes, versions

_KEPT = {
    *("type", "enum", "anyOf", "items", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"),
    *("required", "additionalProperties"),
}


def plain(node: Any, root: Schema) -> Any:
    """The schema without references and annotations."""
    if isinstance(node, list):
        return [plain(one, root) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return plain(root["$defs"][node["$ref"].removeprefix("#/$defs/")], root)
    found = {name: plain(value, root) for name, value in node.items() if name in _KEPT}
    if "properties" in node:
        found["properties"] = {name: plain(value, root) for name, value in node["properties"].items()}
    return {**found, "enum": [node["const"]]} if "const" in node else found


def admitting(writer: Any, reader: Any) -> Any:
    """The reader, closed but for the fields of the writer that an open one accepts."""
    if reader.get("additionalProperties", True) is not True:
        return reader
    own: Schema = {name: {} for name in writer.get("properties", {})}
    return {**reader, "properties": {**own, **reader.get("properties", {})}, "additionalProperties": False}


@given(versions(common_shapes()))
@settings(max_examples=80)
def test_second_opinion_on_closed_schemas_is_the_same(pair: tuple[Fields, Fields]) -> None:
    old, new = (schema_of(fact(version)) for version in pair)
    assert LAX not in str(new)
    assert not is_anything(new)
    writer, reader = closed(plain(old, old)), plain(new, new)
    found = gaps(old, new)
    try:
        opinion = isSubschema(writer, admitting(writer, reader))
    except ValueError:  # fails at unions of numbers without a bound on one side
        reject()
    if opinion and found:  # it takes a text of one character for the only text of an enumeration
        examples = [example for gap in found for example in gap.examples]
        assert any(is_valid(one, writer) and not is_valid(one, reader) for one in examples), found
        return
    assert opinion is (found == []), found


def is_valid(example: Any, schema: Schema) -> bool:
    return bool(Draft4Validator(schema).is_valid(example))
