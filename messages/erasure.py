"""What goes in and out of the workflow that erases the data of one entity."""

from urllib.parse import quote

from messages.base import Message


class ErasureStep(Message):
    """Input of the workflow and of its activities: one erasure."""

    tenant: str
    id: str


class ErasureProgress(Message):
    """``owner``: the owner that is to be requested to follow; empty: none is. ``command``: what it is sent."""

    rows: int = 0
    owner: str = ""
    command: str = ""


class ErasedFiles(Message):
    """``vacuumed``: whether the former versions of the rows are gone; else sessions from before may still read them."""

    vacuumed: bool


def erasure_id(tenant: str, id: str) -> str:
    """The workflow id of an erasure."""
    return f"{quote(tenant, safe='')}/erasure/{quote(id, safe='')}"
