"""What a workflow is about, its id, and its task queue."""

from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from pydantic import ValidationError

from messages.base import Message

TASK_QUEUE = "tether"

_ID_LENGTH = 200
"""Characters of a workflow id, at most: some of Temporal's databases allow 255."""


class Subject(Message):
    """What a workflow is about, in the same terms as the table ``outbox``.

    ===============  ==============  ==================
    ``workflow``     ``about``       ``key``
    ===============  ==============  ==================
    relationship     relationship    parent
    move             relationship    child
    cascade          kind            entity
    plan             kind of plan    operation
    merge            kind            operation
    delivery         ``webhook``     consumer
    ===============  ==============  ==================
    """

    tenant: str
    workflow: str
    about: str
    key: str


def subject_id(subject: Subject) -> str:
    """The workflow id ``tenant/workflow/about/key``, of a relationship ``tenant/about/key``.

    Each part is percent-encoded. A key that would make the id too long is replaced by ``~`` and its hash.
    """
    middle = () if subject.workflow == "relationship" else (subject.workflow,)
    prefix = "".join(f"{quote(part, safe='')}/" for part in (subject.tenant, *middle, subject.about))
    key = quote(subject.key, safe="").replace("~", "%7E")  # so that no key looks like a hash
    if len(prefix + key) > _ID_LENGTH:
        key = "~" + blake2b(subject.key.encode(), digest_size=16).hexdigest()
    return prefix + key


def subject_of(id: str, workflow: str, given: Any) -> Subject | None:
    """The subject of a workflow of this kind and id, whatever else its input ``given`` says.

    The input counts only where the id holds the hash of a key. None if neither names a subject with this id.
    """
    parts = [unquote(part) for part in id.split("/")]
    if len(parts) == 4 and parts[1] == workflow:
        named = Subject(tenant=parts[0], workflow=workflow, about=parts[2], key=parts[3])
        if subject_id(named) == id:
            return named
    try:
        stated = Subject.model_validate(given)
    except ValidationError:
        return None
    return stated if subject_id(stated) == id else None


def how_to_name(workflow: str) -> str:
    """For error messages: the id and the input that a workflow of this kind needs."""
    if workflow == "relationship":
        return 'the id tenant/relationship/parent and the input {"tenant": …, "relationship": …, "parent": …}'
    given = f'{{"tenant": …, "workflow": "{workflow}", "about": …, "key": …}}'
    return f"the id tenant/{workflow}/about/key and the input {given}"
