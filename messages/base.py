"""The base of all messages, and how a renamed field stays readable."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticUndefined


class Message(BaseModel):
    """What goes in and out of workflows and activities: small, frozen, written to Temporal as JSON."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


def formerly(old: str, default: Any = PydanticUndefined, *, description: str | None = None) -> Any:
    """Declares a field that had the name ``old`` in an earlier release.

    Histories and running workflows hold JSON with the old name, so both names are read; only the new one is written.
    Without a ``default`` the field is required.
    """
    return Field(default, validation_alias=old, description=description)
