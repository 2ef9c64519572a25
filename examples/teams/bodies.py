"""Bodies of requests about teams."""

from pydantic import BaseModel, Field

from examples.owner.entities import EntityId, Name, fresh_key


class NewTeam(BaseModel):
    """Body of ``POST /teams``."""

    name: Name
    id: EntityId = Field(default_factory=fresh_key, description="Chosen by the caller, or generated.")
    event_id: EntityId | None = Field(None, description="The event that it takes part in; null: none.")


class Renaming(BaseModel):
    """Body of ``PATCH /teams/{id}``."""

    name: Name


class TeamMove(BaseModel):
    """Body of ``POST /teams/{id}/moves``."""

    event_id: EntityId
    still_in: EntityId | None = Field(
        None, description="The event in which the team must be; null: none; left out: any."
    )
