"""What declarations of facts, commands, relationships and replicas import from `tether`."""

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
from catalog.key_forms import CaseFolded, Nfc, Uuid
from catalog.message_mapping import ForeignMessage, MappedFact, maps
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
from catalog.upcasting import upcast
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
    "CaseFolded",
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
    "ForeignMessage",
    "Key",
    "MappedFact",
    "MergeForbidden",
    "MergeForbiddenLifted",
    "MergePolicy",
    "Merged",
    "Nfc",
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
    "Uuid",
    "Wait",
    "load_catalog",
    "maps",
    "upcast",
]
