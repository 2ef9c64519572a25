"""Order keys: bytes that sort like the total order of one entity's facts.

The order is (sequence, time, effect, arrival). What the owner states decides first: a sequence, then a time, then what
the fact does, since an entity is created before it is changed, and changed before it is deleted. Only facts that are
equal in all of these are ordered by their arrival: their positions in the tenant's ledger.
"""

import re
import struct

from catalog.vocabulary import Effect

_NONE, _SOME, _RESTARTED = b"\x00", b"\x01", b"\x02"
_MARK = b"0"
"""Marks a word. No other byte of an encoded sequence is equal to it, since all digits are in words."""
_WORD = re.compile(r"[0-9A-Za-z]+")
_EPOCH = 1 << 68
"""Added to a time in nanoseconds, so that the years 1 to 9999 are positive numbers of nine bytes."""
_EFFECTS = {Effect.CREATED: b"\x00", Effect.CHANGED: b"\x01", None: b"\x01", Effect.DELETED: b"\x02"}
_POSITION = 8
"""Bytes of a position."""
_DIGIT = re.compile("[0-9]")
_FRACTION = re.compile(r"\d{2}:\d{2}:\d{2}[.,](\d+)(?!\d)", re.ASCII)
"""The fraction of a second in a time of day."""
_WHOLE_FRACTIONS = (3, 6, 9)
"""Digits of a fraction that its writer has not shortened: milliseconds, microseconds, nanoseconds."""


def order_key(sequence: str | None, time: int | None, effect: Effect | None) -> bytes:
    """The order key of one fact up to its arrival, which `at_position` adds.

    ``sequence``: holds no NUL; ``time``: in nanoseconds since 1970; ``effect``: None for a fact of Tether's own, which
    is ordered as a change.
    """
    head = _NONE if sequence is None else _SOME + sequence_order(sequence)
    instant = _NONE if time is None else _SOME + (time + _EPOCH).to_bytes(9)
    return head + instant + _EFFECTS[effect]


def at_position(order: bytes, position: int) -> bytes:
    """The whole order key. ``position``: that of the fact in its tenant's ledger, from 1."""
    return order + position.to_bytes(_POSITION)


def position(order: bytes) -> int:
    """The position in the ledger of the fact with this whole order key; 0 for the empty one, below all others."""
    return int.from_bytes(order[-_POSITION:])


def without_position(order: bytes) -> bytes:
    """A whole order key without the arrival; the empty one stays empty."""
    return order[:-_POSITION]


def stated_time(order: bytes) -> int | None:
    """The time in a whole order key, in nanoseconds since 1970; None if its fact states none."""
    plain = without_restarts(order)
    end = 1
    if plain.startswith(_SOME):
        while plain[end : end + 1] != _NONE:
            is_word = plain[end : end + 1] == _MARK
            end += 3 + struct.unpack_from(">H", plain, end + 1)[0] if is_word else 1
        end += 1
    return int.from_bytes(plain[end + 1 : end + 10]) - _EPOCH if plain[end : end + 1] == _SOME else None


def after_restarts(order: bytes, restarts: int) -> bytes:
    """The order key of a fact that comes after so many restarts of its entity's sequence: above all with fewer."""
    return _RESTARTED + struct.pack(">I", restarts) + order if restarts else order


def without_restarts(order: bytes) -> bytes:
    """The reverse of `after_restarts`."""
    return order[1 + struct.calcsize(">I") :] if order.startswith(_RESTARTED) else order


def sequence_order(sequence: str) -> bytes:
    """Bytes that sort like sequences do: each word of ASCII letters and digits is its length and itself, without zeros
    before it.

    So the shorter word is smaller, and numbers compare as numbers wherever they are, decimal or hexadecimal: alone, in
    an array of several, in the name and offset of a log file. Identifiers of fixed width compare as text.
    """
    if sequence.isascii() and sequence.isdigit():
        return _word(sequence) + b"\x00"
    parts: list[bytes] = []
    end = 0
    for word in _WORD.finditer(sequence):
        parts += sequence[end : word.start()].encode(), _word(word.group())
        end = word.end()
    return b"".join((*parts, sequence[end:].encode(), b"\x00"))


def doubtful_sequence(sequence: str) -> str:
    """Why a sequence may sort otherwise than its owner means, as the end of a sentence; empty: nothing shows it."""
    if sequence.isascii() and sequence.isdigit():
        return ""
    if not _DIGIT.search(sequence):
        return "has no digit, and is compared as a text"
    if sequence[0] == "-" and sequence[1:2].isdigit():
        return "is a negative number, and is compared by its digits: -1 comes before -2; send numbers from 0 on"
    fraction = _FRACTION.search(sequence)
    if fraction is not None and len(fraction[1]) not in _WHOLE_FRACTIONS:
        return "is a time whose fraction is compared as a number: .5 comes before .25; write all with 6 digits"
    return ""


def _word(word: str) -> bytes:
    digits = word.lstrip("0").encode()
    return _MARK + struct.pack(">H", len(digits)) + digits
