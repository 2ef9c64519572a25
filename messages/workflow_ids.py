"""What a workflow is about, and its id."""

from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, ValidationError

_ID_LENGTH = 200
"""Characters in a workflow id, at most: Temporal's own limit is 255 on some stores."""


class Message(BaseModel):
    """Base of all that goes in and out of workflows: small, frozen, and the same for every caller."""

    model_config = ConfigDict(frozen=True)


class Subject(Message):
    """What a workflow is about: as in ``intents``.

    ===============  ==============  ==================
    ``workflow``     ``about``       ``key``
    ===============  ==============  ==================
    relationship     relationship    parent
    move             relationship    child
    cascade          kind            entity
    plan             kind of plan    operation
    ===============  ==============  ==================
    """

    tenant: str
    workflow: str
    about: str
    key: str


def subject_id(subject: Subject) -> str:
    """``tenant/workflow/about/key``, for a relationship ``tenant/about/key``: percent-encoded; a key that is too long
    is replaced by its hash."""
    middle = () if subject.workflow == "relationship" else (subject.workflow,)
    place = "".join(f"{quote(part, safe='')}/" for part in (subject.tenant, *middle, subject.about))
    key = quote(subject.key, safe="").replace("~", "%7E")  # so that no key looks like a hash
    if len(place + key) > _ID_LENGTH:
        key = "~" + blake2b(subject.key.encode(), digest_size=16).hexdigest()
    return place + key


def subject_of(id: str, workflow: str, given: Any) -> Subject | None:
    """What a workflow of this kind and id is about, whatever its input says; None if neither tells."""
    parts = [unquote(part) for part in id.split("/")]
    if len(parts) == 4 and parts[1] == workflow:
        named = Subject(tenant=parts[0], workflow=workflow, about=parts[2], key=parts[3])
        if subject_id(named) == id:
            return named
    try:  # a key that is too long for an id
        said = Subject.model_validate(given)
    except ValidationError:
        return None
    return said if subject_id(said) == id else None
