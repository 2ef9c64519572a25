"""Signals of all workflows: nudges of the dispatcher, and facts that services send themselves."""

from pydantic import ConfigDict, ValidationError

from messages.base import Message, formerly
from messages.relationship import RelationshipInstance


class Nudge(Message):
    """Signal of the dispatcher: the fact (source, id), in the ledger at that revision, concerns this workflow.

    An empty id stands for no fact: the workflow is to look at its rows. The fields are those of a running system's
    signals and must not change; ``extra`` is forbidden so that no CloudEvent is taken for a nudge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str
    id: str
    revision: int


class SignalledFact(Message):
    """Signal of a service: named after a fact's type, with a payload that should be a CloudEvent."""

    name: str
    body: str


def parse_signal(name: str, payload: bytes) -> Nudge | SignalledFact:
    """Distinguishes a nudge from a service's fact. Never raises: the fact is validated where it is recorded."""
    try:
        return Nudge.model_validate_json(payload)
    except ValidationError:
        return SignalledFact(name=name, body=payload.decode("utf-8", "backslashreplace"))


class SignalReport(Message):
    """Input of the activity ``record``: the facts that were signalled to one workflow."""

    instance: RelationshipInstance
    facts: list[SignalledFact] = formerly("told")  # former name
