"""Says what is bad style in contracts: names that are not in the past tense, versions that are none."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from catalog.evolution.changes import ContractChange
from catalog.evolution.document import ContractDocument, DeclaredFact
from catalog.schemas.contract_schema import LAX

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")
_IRREGULAR = """
Arisen Become Been Begun Bent Bet Bid Bitten Blown Borne Bought Bound Bred Broken Brought Built Burnt Cast Caught
Chosen Come Cut Dealt Done Drawn Driven Eaten Fallen Fed Felt Forbidden Forgotten Forgiven Fought Found Frozen Given
Gone Grown Had Held Heard Hidden Hit Hung Hurt Kept Known Laid Led Left Lent Let Lit Lost Made Met Mistaken Overdue
Overdrawn Overridden Paid Proven Put Read Rebuilt Reset Resent Rewritten Ridden Risen Run Said Seen Sent Set Sewn
Shaken Shown Shut Sold Sought Spent Split Spoken Spread Stolen Stuck Struck Sunk Swapped Sworn Taken Taught Thrown
Torn Unbound Undone Upheld Withdrawn Withheld Won Written
"""
_NO_VERBS = frozenset(
    (
        "Bed",
        "Breed",
        "Deed",
        "Embed",
        "Exceed",
        "Feed",
        "Need",
        "Proceed",
        "Red",
        "Reed",
        "Seed",
        "Shed",
        "Speed",
        "Weed",
    )
)


@dataclass(frozen=True)
class LintWarning:
    """What is odd about one declaration. ``rule``: ``past-tense``, ``version``, ``upcaster`` or ``strict``."""

    about: str
    rule: str
    what: str


def lint(document: ContractDocument) -> list[LintWarning]:
    """The warnings about all facts of a document, by type."""
    return [*_names(document.items), *_versions(document)]


def unversioned(broken: Iterable[ContractChange]) -> list[LintWarning]:
    """A warning for each fact that has changed so that it breaks payloads, though it is the same version."""
    types = sorted({one.about for one in broken if one.path or one.examples})
    what = "has changed so that payloads break: declare another version beside it, and an upcaster"
    return [LintWarning(type, "version", what) for type in types if " " not in type]


def is_past_tense(name: str) -> bool:
    """Whether a CamelCase name has a word that is a past participle: PersonMerged, PeopleKeptApart."""
    words, irregular = _WORD.findall(name), _IRREGULAR.split()
    return any((word.endswith("ed") and word not in _NO_VERBS) or word in irregular for word in words)


def _names(facts: Iterable[DeclaredFact]) -> Iterator[LintWarning]:
    for fact in facts:
        if not is_past_tense(fact.name):
            what = "its name is not in the past tense: say what has happened, as UserRenamed does"
            yield LintWarning(fact.type, "past-tense", what)
        if match := re.search(r"V(\d+)$", fact.name):
            what = f"its name ends like a version, and its version is {fact.version}: declare version={match[1]}"
            yield LintWarning(fact.type, "version", what)
        if nested := sorted(name for name, one in fact.schema_.get("$defs", {}).items() if one.get(LAX)):
            what = f"{', '.join(nested)} also accepts what can be converted: give it ConfigDict(strict=True)"
            yield LintWarning(fact.type, "strict", what)


def _versions(document: ContractDocument) -> Iterator[LintWarning]:
    versions: defaultdict[str, list[DeclaredFact]] = defaultdict(list)
    for fact in document.items:
        versions[fact.name].append(fact)
    leads = {(one.from_, one.to) for one in document.upcasters}
    for _, found in sorted(versions.items()):
        found.sort(key=lambda fact: fact.version)
        for earlier, later in pairwise(found):
            if {earlier.kind, later.kind} != {later.kind}:
                yield LintWarning(
                    later.type, "version", f"is about {later.kind}, and {earlier.type} about {earlier.kind}"
                )
            if not any((earlier.type, one.type) in leads for one in found):
                what = f"no upcaster leads from it to {later.type}: its fields stay as they are"
                yield LintWarning(earlier.type, "upcaster", what)
