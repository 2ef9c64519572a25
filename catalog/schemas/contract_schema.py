"""Makes the JSON Schema of a fact or command, with marks for what JSON Schema has no word for."""

import inspect
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LAX = "x-tether-lax"
"""On an object: a nested model that is not strict. It also accepts what can be converted: the text "1" for a number."""
CHECKS = "x-tether-checks"
"""Hashes of the functions of its own with which the model checks a value (``field_validator`` and the like)."""


def schema_of(model: type[BaseModel]) -> Schema:
    """The JSON Schema (draft 2020-12) of the data that the model accepts."""
    return {"$schema": DIALECT, **model.model_json_schema(schema_generator=_Generator)}


class _Generator(GenerateJsonSchema):
    """Adds ``LAX`` and ``CHECKS`` to the schemas that pydantic makes. The outermost model, a fact, is strict."""

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        made = super().model_schema(schema)
        return made if schema["cls"].model_config.get("strict") else {**made, LAX: True}

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        return _marked_unless_strict(super().dataclass_schema(schema), schema)

    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        return _marked_unless_strict(super().typed_dict_schema(schema), schema)

    def function_before_schema(self, schema: Any) -> JsonSchemaValue:
        return _checked(super().function_before_schema(schema), schema)

    def function_after_schema(self, schema: Any) -> JsonSchemaValue:
        return _checked(super().function_after_schema(schema), schema)

    def function_wrap_schema(self, schema: Any) -> JsonSchemaValue:
        return _checked(super().function_wrap_schema(schema), schema)

    def function_plain_schema(self, schema: Any) -> JsonSchemaValue:
        return _checked(super().function_plain_schema(schema), schema)


def _marked_unless_strict(made: JsonSchemaValue, schema: Any) -> JsonSchemaValue:
    return made if schema.get("config", {}).get("strict") else {**made, LAX: True}


def _checked(made: JsonSchemaValue, schema: Any) -> JsonSchemaValue:
    function = schema["function"]["function"]
    if (getattr(function, "__module__", None) or "pydantic").partition(".")[0].startswith("pydantic"):
        return made
    return {**made, CHECKS: sorted({*made.get(CHECKS, []), _digest(function)})}


def _digest(function: Callable[..., Any]) -> str:
    """16 hexadecimal digits that stand for the text of a function."""
    try:
        text = inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        text = getattr(function, "__qualname__", repr(type(function)))
    return blake2b(text.encode(), digest_size=8).hexdigest()
