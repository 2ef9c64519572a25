"""Why events are in quarantine: codes, which the store keeps and groups by, and the sentences made of them.

The sentences are only shown. Whatever is decided is decided by the codes. An event has a sentence of its own besides,
which may quote it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

ReasonCode = Literal[
    "unknown_type",
    "field_missing",
    "field_invalid",
    "key_missing",
    "key_differs",
    "key_invalid",
    "reference_invalid",
    "identity_invalid",
    "not_readable",
    "not_mapped",
    "conflict",
    "time_ahead",
    "too_large",
    "entity_too_large",
    "too_long",
    "too_deep",
    "data_not_object",
    "data_unreadable",
    "not_storable",
    "ambiguous_json",
    "malformed",
    "reserved_source",
    "signal_refused",
    "not_publishable",
    "erased",
    "other",
]
"""Why an event could not be accepted. ``other``: an earlier version said it in a sentence alone, or it is a fact of an
export that Tether could not have recorded."""

CONTRACT: tuple[ReasonCode, ...] = (
    "unknown_type",
    "field_missing",
    "field_invalid",
    "key_missing",
    "key_differs",
    "key_invalid",
    "reference_invalid",
    "identity_invalid",
    "not_readable",
    "not_mapped",
)
"""Codes that another contract may do away with."""

NOT_KEPT = (
    "; not kept either, since this API key has as much in quarantine as it may (TETHER_QUARANTINE_EVENTS,"
    " TETHER_QUARANTINE_BYTES): send it again once some of that is redriven or discarded"
)
"""End of the reason of an event that the quarantine does not keep."""


class Cause(NamedTuple):
    """What events in quarantine are grouped by. ``type``: of the events, empty if it could not be read; ``field``: the
    attribute or field of the data that the code is about, empty if there is none."""

    type: str
    code: str
    field: str


def describe_cause(cause: Cause) -> str:
    """The sentence about a group of events in quarantine."""
    return SENTENCES[cause.code](cause) if cause.code in SENTENCES else cause.code


def describe_trial(tried: int, accepted: int, recorded: int, ignored: int, refused: Sequence[tuple[int, Cause]]) -> str:
    """The sentence about events that were tried: how many would be accepted, are recorded already, or give no fact, and
    why the others would be refused, by number and cause."""
    parts = [f"{accepted:,} of {tried:,} would be accepted"]
    if recorded:
        parts.append(f"{recorded:,} are recorded already")
    if ignored:
        parts.append(f"{ignored:,} give no fact")
    return "; ".join([*parts, *(f"{number:,}: {describe_cause(cause)}" for number, cause in refused)])


def version_of(type: str) -> int | None:
    """The version that a type names, as in ``UserCreated.v2``; None if it names none."""
    _, dot, version = type.rpartition(".v")
    return int(version) if dot and version.isascii() and version.isdigit() and len(version) < 10 else None


def _of_field(text: str) -> Callable[[Cause], str]:
    return lambda cause: f"field `{cause.field}` {text}" if cause.field else f"a field {text}"


SENTENCES: Mapping[str, Callable[[Cause], str]] = {
    "unknown_type": lambda cause: f"no contract declares {cause.type or 'it'}",
    "field_missing": _of_field("missing"),
    "field_invalid": _of_field("has a value that the contract excludes"),
    "key_missing": lambda cause: f"no entity is named: `{cause.field or 'subject'}` missing",
    "key_differs": lambda cause: f"subject and `{cause.field}` name different entities",
    "key_invalid": lambda cause: f"a key of a {cause.field} has another form than is declared",
    "reference_invalid": _of_field("names no parent"),
    "identity_invalid": _of_field("names no records that can be merged"),
    "not_readable": lambda _: "could not be read as the newest version: its upcaster failed",
    "not_mapped": lambda _: "its mapping to facts failed",
    "conflict": lambda cause: f"another fact is recorded under the same source and id: `{cause.field}` differs",
    "time_ahead": lambda _: "`time` is in the future",
    "too_large": lambda _: "too large",
    "entity_too_large": lambda _: "would make its entity too large",
    "too_long": lambda cause: f"`{cause.field or 'a text'}` is too long",
    "too_deep": lambda _: "nested too deep",
    "data_not_object": lambda _: "data is no JSON object",
    "data_unreadable": lambda _: "data is no JSON, or could not be kept as it is",
    "not_storable": lambda _: "holds a value that cannot be stored",
    "ambiguous_json": lambda _: "is JSON that could not be kept as it is",
    "malformed": lambda cause: f"no CloudEvent: `{cause.field or 'event'}`",
    "reserved_source": lambda _: "its source is Tether's own",
    "signal_refused": lambda _: "its signal was not accepted",
    "not_publishable": lambda _: "its sender may not publish facts of this type and source",
    "erased": lambda _: "its data was erased",
    "other": lambda _: "another reason",
}
