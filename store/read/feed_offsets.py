"""Offsets: the positions between the items of the feed, as text that sorts bytewise like the items.

An offset is base32hex of: the revision (8 bytes, big-endian), the phase (1 byte), the item's keys, each ended by NUL,
and CRC-32 of tenant and all that (4 bytes). Of longer keys it holds the first 96 bytes, then the number of the item
(4 bytes) among those of its phase whose keys begin with the same bytes: a reader that resumes there reads these again
and drops them. So no offset is longer than 181 characters. No body of an offset begins another one, so the checksum
decides no order. Filters have no part in an offset: they leave items out, or all that share the first 96 bytes, whose
beginning names the relationship or the kind.
"""

import re
import struct
from itertools import takewhile
from typing import NamedTuple
from zlib import crc32

from errors import BadToken
from facts import tokens
from store.read.feed_items import FIRST_KEYS, LAST_PHASE, NUMBERED, FeedItem, Keys

KEPT = 96
"""Bytes of an item's keys in an offset. More than the longest name has, so that names are never cut."""

_HEAD = struct.Struct(">QB")
_NUMBER = struct.Struct(">I")
_POSITION = re.compile("[0-9]{20}")


class FeedPosition(NamedTuple):
    """How far a reader is: past all items before this revision, and within it up to these keys of this phase."""

    revision: int = 0
    phase: int = 0
    keys: Keys = FIRST_KEYS
    number: int = 0
    """Of the item among those of its phase whose keys begin with the same 96 bytes; 0: its keys are not longer."""
    prefix: bytes = b""
    """These bytes, if the position was read from an offset: ``keys`` sort before all keys that begin with them."""

    def start(self, phase: int) -> tuple[int, Keys]:
        """Returns the revision at which a phase goes on, and the keys in it after which it does."""
        if phase == self.phase:
            return self.revision, self.keys
        return self.revision + (phase < self.phase), FIRST_KEYS


BEGINNING = FeedPosition()


def encode(tenant: str, position: FeedPosition) -> str:
    """Writes a position as an offset."""
    text = position.prefix or joined(position.keys)
    body = _HEAD.pack(position.revision, position.phase) + text[:KEPT]
    if position.number:
        body += _NUMBER.pack(position.number)
    return tokens.encode(body + _NUMBER.pack(_checksum(tenant, body)))


def decode(tenant: str, text: str) -> FeedPosition:
    """Reads an offset, or the token of a revision, after whose items the feed goes on.

    Raises BadToken for any other text, and for what was issued to another tenant.
    """
    try:
        raw = tokens.decode(text)
        position = _position(raw[: -_NUMBER.size])
        (check,) = _NUMBER.unpack(raw[-_NUMBER.size :])
    except (struct.error, ValueError):
        position, check = None, 0
    if position is None:
        try:
            return FeedPosition(tokens.revision(tenant, text) + 1)
        except BadToken:
            raise BadToken(f"{text[:40]!r} is no offset and no token; use one from an answer, -1 or now") from None
    if check != _checksum(tenant, raw[: -_NUMBER.size]):
        raise BadToken(f"{text[:40]!r} is not an offset of this tenant's feed; use one from an answer, or -1")
    return position


def number(items: list[FeedItem], after: FeedPosition) -> list[FeedItem]:
    """Returns the items, which follow a position, with their numbers among those whose keys begin alike."""
    last, found = (after.revision, after.phase, shared(after.keys)), []
    count = after.number
    for item in items:
        prefix = shared(item.keys)
        here = item.revision, item.phase, prefix
        count = 0 if prefix is None else count + 1 if here == last else 1
        last = here
        found.append(item._replace(number=count) if count else item)
    return found


def position_after(item: FeedItem) -> FeedPosition:
    """Returns the position of a reader that has read an item."""
    return FeedPosition(item.revision, item.phase, item.keys, item.number)


def shared(keys: Keys) -> bytes | None:
    """Returns the bytes that an offset keeps of an item's keys; None if it keeps all of them."""
    text = joined(keys)
    return text[:KEPT] if len(text) > KEPT else None


def joined(keys: Keys) -> bytes:
    """Returns keys, which sort bytewise, as bytes that sort like them. None of an item begins those of another one of
    its phase."""
    return b"".join(key.encode() + b"\0" for key in takewhile(bool, keys)) or b"\0"


def _position(body: bytes) -> FeedPosition | None:
    """Returns the position that a body stands for; None if it is none."""
    revision, phase = _HEAD.unpack(body[: _HEAD.size])
    text = body[_HEAD.size :]
    if phase > LAST_PHASE or revision >= 2**62 or not text:
        return None
    if len(text) == KEPT + _NUMBER.size:
        (count,) = _NUMBER.unpack(text[KEPT:])
        return FeedPosition(revision, phase, _before(text[:KEPT]), count, text[:KEPT]) if count else None
    keys = () if text == b"\0" else text.removesuffix(b"\0").decode().split("\0")
    if len(text) > KEPT or len(keys) > len(FIRST_KEYS) or text[-1:] != b"\0" or not all(keys):
        return None
    if keys and phase in NUMBERED and not _POSITION.fullmatch(keys[0]):
        return None
    return FeedPosition(revision, phase, _padded(*keys))


def _before(prefix: bytes) -> Keys:
    """Returns keys that sort shortly before all keys that begin with a prefix."""
    *whole, cut = prefix.split(b"\0")
    return _padded(*(key.decode() for key in whole), cut.decode(errors="ignore")[:-1])


def _padded(*keys: str) -> Keys:
    one, two, three = (*keys, *FIRST_KEYS)[:3]
    return one, two, three


def _checksum(tenant: str, body: bytes) -> int:
    return crc32(tenant.encode() + b"\0" + body)
