"""What goes in and out of the workflow of a merge and its activities, beside what those of all operations share."""

from pydantic import Field

from messages.base import Message
from messages.operations import OperationStatus
from messages.workflow_ids import Subject

NAMED = 3
"""Losers that are named in a description; of the others their number is given."""


class MergeStatus(OperationStatus):
    """What a merge does or waits for. ``counts`` and ``to_request`` are about losers to retire."""

    survivor: str = ""
    losers: list[str] = Field(default=[])
    to_prove: bool = Field(default=False, description="What it has conserved is to be counted.")

    def describe(self) -> str:
        """One line for people: what is merged, and how far it is."""
        named = ", ".join(self.losers[:NAMED])
        more = f" and {len(self.losers) - NAMED} more" if len(self.losers) > NAMED else ""
        merged = f"{named}{more} merged into {self.survivor}"
        why = f"; {self.reason}" if self.reason else ""
        if self.to_prove:
            return f"{merged}: counting what it has conserved{why}"
        counts = self.counts
        total = counts.found + counts.remaining
        parked = f", {counts.parked} parked" if counts.parked else ""
        owners = ", ".join(sorted({f"{each.command} at {each.owner}" for each in self.concerned}))
        waits = f"; waiting for {self.unconfirmed} facts" if self.unconfirmed else ""
        return f"{merged}: {counts.confirmed + counts.skipped} of {total} retired{parked}: {owners}{waits}{why}"


class MergeProof(Message):
    """Input of the activity that counts what a merge has conserved."""

    subject: Subject
    operation: str


class MergeProofResult(Message):
    """``lost``: a sentence that says what the merge did not conserve; empty: nothing, it conserved everything."""

    lost: str = ""
