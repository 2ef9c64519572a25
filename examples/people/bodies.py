"""Bodies of requests about profiles."""

from pydantic import BaseModel, Field

from examples.owner.entities import EntityId, Name, fresh_key


class NewProfile(BaseModel):
    """Body of ``POST /people``."""

    name: Name
    id: EntityId = Field(default_factory=fresh_key, description="Chosen by the caller, or generated.")
    email: str | None = None
    phone: str | None = None
    labels: list[str] = []
    company_id: EntityId | None = Field(None, description="The company that the person works for; null: none is known.")


class ProfileChange(BaseModel):
    """Body of ``PATCH /people/{id}``: the fields to change."""

    name: Name | None = None
    email: str | None = None
    phone: str | None = None
    labels: list[str] | None = None
    company_id: EntityId | None = None


class Retirement(BaseModel):
    """Body of ``POST /people/{id}/retirements``."""

    survivor: EntityId = Field(description="The profile as which the person goes on.")
