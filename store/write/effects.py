"""Which relationship instances a difference concerns, and how: one truth table.

An instance is a parent in a relationship. Three things can follow for it: it may begin to wait, it may stop waiting,
and its workflow may have to be notified. Whether it really begins or stops is decided by the database, which sees the
rows after the change. A workflow whose wait stops is notified by what stops it, in any case.
"""

from dataclasses import dataclass, field
from itertools import product
from typing import Literal, NamedTuple

from catalog.catalog import Catalog
from catalog.relationship import Relationship
from facts.envelope import Entry
from store.write.diff import Diff, EntityKey

InstanceKey = tuple[Relationship, str]
"""(relationship, key of the entity that links name: the parent, or the child where parents list them)."""

Change = Literal["parent_changed", "child_linked", "child_unlinked"]
"""The state or the incarnation of the parent has changed; a link to it has begun; a link to it has ended."""
Condition = Literal["requested", "placeholder", "always"]
"""The relationship has a command that requests the child; the parent is (for ``parent_changed``: was) a placeholder;
every instance of the relationship has a workflow."""


class Effects(NamedTuple):
    """What can follow for one instance."""

    may_begin: bool
    may_end: bool
    notifies: bool


#                                   may_begin  may_end  notifies
RULES: dict[tuple[Change, Condition], Effects] = {
    ("parent_changed", "requested"): Effects(True, True, False),
    ("parent_changed", "placeholder"): Effects(False, True, False),
    ("parent_changed", "always"): Effects(False, False, True),
    ("child_linked", "requested"): Effects(False, True, False),
    ("child_linked", "placeholder"): Effects(True, False, False),
    ("child_linked", "always"): Effects(False, False, True),
    ("child_unlinked", "requested"): Effects(True, True, False),
    ("child_unlinked", "placeholder"): Effects(False, True, False),
    ("child_unlinked", "always"): Effects(False, False, True),
}
"""The effects of a change under each condition. Where several conditions hold, their effects add up."""


def effects(change: Change, *, requested: bool, placeholder: bool, always: bool) -> Effects:
    """All effects of a change, under the conditions that hold."""
    conditions: dict[Condition, bool] = {"requested": requested, "placeholder": placeholder, "always": always}
    rules = [RULES[change, condition] for condition, holds in conditions.items() if holds]
    return Effects(*(any(rule[n] for rule in rules) for n in range(3)))


_BOTH = (False, True)
_CHANGES: tuple[Change, ...] = ("parent_changed", "child_linked", "child_unlinked")
_EFFECTS = {
    (change, requested, placeholder, always): effects(
        change, requested=requested, placeholder=placeholder, always=always
    )
    for change, requested, placeholder, always in product(_CHANGES, _BOTH, _BOTH, _BOTH)
}
"""All rows of the table, computed once: it is read for every link that begins or ends."""


@dataclass(slots=True)
class AffectedInstances:
    """Instances by effect. ``may_end``, ``notified``: each with the fact that its workflow is notified of, the last of
    the batch."""

    may_begin: set[InstanceKey] = field(default_factory=set)
    may_end: dict[InstanceKey, Entry] = field(default_factory=dict)
    notified: dict[InstanceKey, Entry] = field(default_factory=dict)

    def add(self, change: Change, at: InstanceKey, cause: Entry, *, placeholder: bool) -> None:
        """Adds what follows from one change of one instance."""
        relationship = at[0]
        follows = _EFFECTS[change, relationship.requested is not None, placeholder, relationship.always]
        if follows.may_begin:
            self.may_begin.add(at)
        if follows.may_end:
            self.may_end[at] = cause
        if follows.notifies:
            self.notified[at] = cause


def affected_instances(catalog: Catalog, diff: Diff, placeholders: set[EntityKey]) -> AffectedInstances:
    """Collects the effects of a difference. ``placeholders``: those of its parents that are placeholders now."""
    affected = AffectedInstances()
    for changed in diff.state_changes:
        for relationship in catalog.named.get(changed.entity.kind, ()):
            at = relationship, changed.entity.key
            affected.add("parent_changed", at, changed.cause, placeholder=changed.was_placeholder)
            if changed.entity.state == "unknown":  # all its facts were voided: its children wait for it again
                affected.may_begin.add(at)
    # What was created again had waited for, or had, what was of its life before. A loser waits for nothing, and what
    # ceases to be one may wait again.
    again = [(c.entity.kind, c.entity.key, c.cause, False) for c in diff.recreated] + [*diff.renamed]
    for kind, key, cause, placeholder in again:
        for relationship in catalog.named.get(kind, ()):
            affected.add("parent_changed", (relationship, key), cause, placeholder=placeholder)
    for link in diff.opened:
        unknown = (link.relationship.element_kind, link.named) in placeholders
        affected.add("child_linked", (link.relationship, link.named), link.cause, placeholder=unknown)
        for led in catalog.led_up.get(link.relationship.name, ()):
            # Instances whose command takes a key by way of this parent: another parent may lead to another key.
            affected.notified.setdefault((led, link.child), link.cause)
    for ended in diff.closed:
        unknown = (ended.relationship.element_kind, ended.named) in placeholders
        affected.add("child_unlinked", (ended.relationship, ended.named), ended.cause, placeholder=unknown)
    return affected
