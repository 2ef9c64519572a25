"""Bodies of requests about tickets."""

from pydantic import BaseModel, Field

from examples.owner.entities import EntityId, Name, fresh_key


class NewTicket(BaseModel):
    """Body of ``POST /tickets``."""

    subject: Name
    id: EntityId = Field(default_factory=fresh_key, description="Chosen by the caller, or generated.")
    person_id: EntityId | None = Field(None, description="The person who wants it; null: unknown.")


class Assignment(BaseModel):
    """Body of ``POST /tickets/{id}/assignments``."""

    person_id: EntityId
    still_of: EntityId | None = Field(
        None, description="The person whose ticket it must be; null: of no person; left out: any."
    )
