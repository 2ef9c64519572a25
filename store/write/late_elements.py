"""Facts about single elements of lists that newer evidence had overtaken when they arrived: they change nothing."""

from collections.abc import Collection, Iterable

from facts.envelope import Entry
from store.write.arrivals import LateFact
from store.write.diff import Diff
from store.write.element_facts import ElementKey
from store.write.entity_state import NOTHING, FoldedEntity


def note(
    diff: Diff, facts: Iterable[Entry], newest: Collection[ElementKey], overtaken: dict[ElementKey, FoldedEntity]
) -> None:
    """Notes them. ``newest``: elements of which one of these facts is the newest; ``overtaken``: those of them that a
    list of their entity decides nevertheless, with that entity."""
    for fact in facts:
        elements = [ElementKey(change.relationship, fact.key, change.element) for change in fact.elements]
        if not elements or any(at in newest and at not in overtaken for at in elements):
            continue
        record = next((overtaken[at] for at in elements if at in overtaken), None)
        if record is None:
            diff.late.append(LateFact(fact, None, NOTHING, deleted=False))
        else:
            diff.late.append(LateFact(fact, record.sequence, record.ended, record.state == "deleted"))
