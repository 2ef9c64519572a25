"""The public face: everything that declarations of facts, commands, relationships and replicas import.

``from tether import Created, Owner, Relationship, Wait`` is the same in this tree, in a mounted catalog directory and
in tests of your own. Such a test loads its declarations with ``load_catalog([directory])``, which returns the `Catalog`
of Tether's own declarations and those of the directories, or raises `BadDeclaration` with the file and the mend.
"""

from catalog.activity import Activity
from catalog.catalog import Catalog
from catalog.catalog import load as load_catalog
from catalog.identity import (
    FieldRule,
    Merged,
    MergeForbidden,
    MergeForbiddenLifted,
    MergePolicy,
    SurvivorRule,
    Unmerged,
)
from catalog.relationship import (
    FINISH,
    KEEP,
    ONE_TO_MANY,
    ONE_TO_ONE,
    RESTRICT,
    STOP,
    Cardinality,
    Cascade,
    Detach,
    OnMerge,
    Orchestrate,
    Relationship,
    Requested,
    Through,
    Wait,
)
from catalog.replica import Replica
from catalog.vocabulary import (
    Changed,
    Command,
    Created,
    Deleted,
    Effect,
    ExpectedParent,
    Fact,
    Key,
    OnSequenceRestart,
    Owner,
)
from errors import BadDeclaration

__all__ = [
    "FINISH",
    "KEEP",
    "ONE_TO_MANY",
    "ONE_TO_ONE",
    "RESTRICT",
    "STOP",
    "Activity",
    "BadDeclaration",
    "Cardinality",
    "Cascade",
    "Catalog",
    "Changed",
    "Command",
    "Created",
    "Deleted",
    "Detach",
    "Effect",
    "ExpectedParent",
    "Fact",
    "FieldRule",
    "Key",
    "MergeForbidden",
    "MergeForbiddenLifted",
    "MergePolicy",
    "Merged",
    "OnMerge",
    "OnSequenceRestart",
    "Orchestrate",
    "Owner",
    "Relationship",
    "Replica",
    "Requested",
    "SurvivorRule",
    "Through",
    "Unmerged",
    "Wait",
    "load_catalog",
]
