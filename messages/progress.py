"""What every workflow carries over to its next run, and what it answers when it is queried."""

from pydantic import Field, SerializeAsAny

from messages.base import Message, formerly


class CarryOver(Message):
    """What a run that continues as new passes on to the next one."""

    facts: int = Field(default=0, description="Signals received so far.")
    requested: str = formerly("asked", "", description="What the owner was sent a request for last.")  # former name
    cause: str | None = Field(default=None, description="Id of the fact that woke the workflow last.")
    runs: int = Field(default=0, description="Runs before this one.")


class Progress(Message):
    """Answer to the query ``progress``, for people."""

    description: str
    facts: int = Field(description="Signals received, those of earlier runs included.")
    runs: int = Field(description="Runs before this one, each of which continued as new when its history was long.")
    status: SerializeAsAny[Message] | None = Field(description="What the rows said when they were read last.")
