"""How a command to the owner of an entity is filled from the entity's own fields."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from catalog.vocabulary import Command, ExpectedParentField, KeyField
from errors import Refused


def filled(
    command: type[Command],
    key: str,
    data: Mapping[str, Any],
    *,
    expected_parent: str | None = None,
    target: tuple[str, str] | None = None,
) -> Command:
    """Fills a command about one entity, in order of precedence: ``key`` and ``expected_parent`` go into the fields that
    are marked for them, ``target`` (field, value) into its field, and the entity's ``data`` into fields of equal names.

    Raises Refused if a required field stays empty or a value has the wrong type.
    """
    fields = {name: data[name] for name in command.model_fields if name in data}
    if target is not None:
        fields[target[0]] = target[1]
    if (name := command.marked(KeyField)) is not None:
        fields[name] = key
    if (name := command.marked(ExpectedParentField)) is not None:
        fields[name] = expected_parent
    try:
        return command.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Refused(f"{command.__name__} cannot be made for {key!r}: {place}: {first['msg']}") from None


def varies(command: type[Command], target: str | None = None) -> bool:
    """Whether the command depends on the entity's own fields, and may therefore differ at the next attempt;
    ``target``: a field whose value is given."""
    return bool(set(command.model_fields) - {command.marked(KeyField), command.marked(ExpectedParentField), target})
