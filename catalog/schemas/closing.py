"""Closes schemas: the variant of a schema that describes data with the declared fields alone."""

from typing import Any

from catalog.schemas.contract_schema import Schema

_NESTED = ("additionalProperties", "items", "propertyNames")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "patternProperties")


def closed(schema: Any) -> Any:
    """The schema without further fields in any object that declares some.

    Models are open: they accept fields that they don't declare. What a producer writes by a contract has the declared
    ones; of others nothing can be said. An object without declared fields (``dict[str, int]``) stays as it is.
    """
    if not isinstance(schema, dict):
        return schema
    made: Schema = {}
    for name, value in schema.items():
        if name in _NESTED:
            made[name] = closed(value)
        elif name in _LISTS:
            made[name] = [closed(one) for one in value]
        elif name in _MAPS:
            made[name] = {key: closed(one) for key, one in value.items()}
        else:
            made[name] = value
    if "properties" in schema and schema.get("additionalProperties", True) is True:
        made["additionalProperties"] = False
    return made
