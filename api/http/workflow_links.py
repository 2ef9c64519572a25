"""The workflows that carry things out, and where to look at them."""

from pydantic import BaseModel, Field

from api.http.dependencies import Services
from messages.relationship import RelationshipInstance
from messages.workflow_ids import Subject, subject_id
from starter import workflow_url


class Workflow(BaseModel):
    """The workflow that carries something out."""

    id: str
    url: str | None = Field(description="Where Temporal's Web UI shows it.")


def workflow(has: Services, subject: Subject) -> Workflow:
    """The workflow of a subject."""
    id = subject_id(subject)
    ui = has.settings.temporal_ui_url
    return Workflow(id=id, url=workflow_url(ui, has.starter.namespace, id) if ui else None)


def workflow_of_instance(has: Services, tenant: str, relationship: str, parent: str) -> Workflow:
    """The workflow of an instance of a relationship."""
    return workflow(has, RelationshipInstance(tenant=tenant, relationship=relationship, parent=parent).subject)
