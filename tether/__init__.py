"""The public face: everything that declarations of facts, commands and relationships import.

``from tether import Created, Owner, Relationship, Wait``: the same in this tree, in a mounted catalog directory and in
tests of your own.
"""

from catalog.relationship import (
    KEEP,
    ONE_TO_MANY,
    ONE_TO_ONE,
    RESTRICT,
    Asked,
    Cardinality,
    Cascade,
    Detach,
    Orchestrate,
    Relationship,
    Through,
    Wait,
)
from catalog.vocabulary import Changed, Command, Created, Deleted, Effect, Fact, Key, Owner, Still

__all__ = [
    "KEEP",
    "ONE_TO_MANY",
    "ONE_TO_ONE",
    "RESTRICT",
    "Asked",
    "Cardinality",
    "Cascade",
    "Changed",
    "Command",
    "Created",
    "Deleted",
    "Detach",
    "Effect",
    "Fact",
    "Key",
    "Orchestrate",
    "Owner",
    "Relationship",
    "Still",
    "Through",
    "Wait",
]
