"""Links to workflows in Temporal's Web UI, for responses."""

from pydantic import BaseModel, Field

from api.http.dependencies import Dependencies
from messages.relationship import RelationshipInstance
from messages.workflow_ids import Subject, subject_id
from starter import workflow_url


class Workflow(BaseModel):
    """A Temporal workflow."""

    id: str
    url: str | None = Field(description="Its page in Temporal's Web UI; null: the UI's address is not configured.")


def workflow(deps: Dependencies, subject: Subject) -> Workflow:
    """The workflow that is about a subject."""
    id = subject_id(subject)
    ui = deps.settings.temporal_ui_url
    return Workflow(id=id, url=workflow_url(ui, deps.starter.namespace, id) if ui else None)


def workflow_of_instance(deps: Dependencies, tenant: str, relationship: str, parent: str) -> Workflow:
    """The workflow of a relationship instance: ``relationship`` is a name, ``parent`` a key."""
    return workflow(deps, RelationshipInstance(tenant=tenant, relationship=relationship, parent=parent).subject)
