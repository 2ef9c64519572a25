"""The total order of the facts of one entity: by what its owner states, and only then by arrival."""

from itertools import groupby
from string import ascii_letters, digits
from typing import TypeAlias

from catalog.vocabulary import Effect

Part: TypeAlias = tuple[int, int, bytes]
"""A part of a sequence: (its first byte, its length, itself)."""
Order: TypeAlias = tuple[int, bool, tuple[Part, ...], bool, int, int, int, bytes, bytes]
"""(restarts before it, has a sequence, its parts, has a time, the time, effect, arrival, source, id)."""
Stated: TypeAlias = tuple[int, bool, tuple[Part, ...], bool, int, int]
"""What precedes arrival in an order."""


def order(
    sequence: str | None,
    time: int | None,
    effect: Effect | None,
    arrival: int,
    source: str,
    id: str,
    restarts: int = 0,
) -> Order:
    """Returns the position of a fact among those of its entity.

    ``time``: nanoseconds since 1970 UTC; ``effect``: None for Tether's own facts; ``arrival``: position in the ledger;
    ``restarts``: see model.restarts. Facts without a sequence come before those with one. Facts with equal sequences
    are ordered by time (none comes first), then by effect: created, changed, deleted; then by arrival, and where that
    is unknown by source and id.
    """
    return (
        restarts,
        sequence is not None,
        sequence_parts(sequence or ""),
        time is not None,
        0 if time is None else time,
        _rank(effect),
        arrival,
        source.encode(),
        id.encode(),
    )


def without_arrival(place: Order) -> Stated:
    """Returns the part of a position that does not depend on when the fact arrived, or on which of them it is."""
    return place[:6]


def encoded(place: Order) -> bytes:
    """Returns the position as bytes that sort alike: the form in which correlation ids hold it."""
    restarts, stated, parts, timed, time, rank, arrival, _, _ = place
    again = b"\2" + restarts.to_bytes(4) if restarts else b""
    head = b"\1" + b"".join(_encoded(part) for part in parts) + b"\0" if stated else b"\0"
    instant = b"\1" + (time + 2**68).to_bytes(9) if timed else b"\0"
    return again + head + instant + bytes([rank]) + arrival.to_bytes(8)


def _encoded(part: Part) -> bytes:
    byte, length, word = part
    return b"0" + length.to_bytes(2) + word if byte == ord("0") else bytes([byte])


def _rank(effect: Effect | None) -> int:
    if effect is Effect.CREATED:
        return 0
    return 2 if effect is Effect.DELETED else 1


def sequence_parts(sequence: str) -> tuple[Part, ...]:
    """Cuts a sequence into words, which are runs of ASCII letters and digits, and into the bytes between them.

    Without leading zeros, of two words the longer one is greater: so numbers of any length compare exactly, decimal or
    hexadecimal. Where one sequence has a word and another one something else, the word counts as the character "0".
    Each part is compared with the part at the same place, from the left, which makes this a total order.
    """
    parts: list[Part] = []
    for is_word, characters in groupby(sequence, key=lambda character: character in ascii_letters + digits):
        text = "".join(characters)
        if is_word:
            number = text.lstrip("0").encode()
            parts.append((ord("0"), len(number), number))
        else:
            parts += [(byte, 0, b"") for byte in text.encode()]
    return tuple(parts)
