"""Finds keys that differ from a key only in how they are spelled: hints for a link whose parent was never published.

Spellings differ in letter case, Unicode normal form, white space, the spelling of a UUID, and leading zeros of numbers.
`normal_form` is the same for all of them. No index holds normal forms, which would cost at every write: likely
spellings are looked up instead in the index of keys. For each of them, and each way to write its letters, the search
seeks the next key from there on; a key that is found says how far it may go on, so that spellings that cannot be there
are skipped together.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from unicodedata import normalize
from uuid import UUID

from store.db.snapshot import Snapshot
from store.db.sql import fetch_rows

ROUNDS = 24
"""Seeks for one spelling, at most: each letter of a key may be written in two ways, and its neighbours decide how many
of them are looked at."""
KEYS = 100
"""Keys that one call looks up: about forty seeks each."""
FOUND = 5
"""Similar keys of one key, at most."""
WIDTHS = (2, 3, 4, 5, 6, 8, 10, 12)
"""Digits to which the numbers in a key are padded with zeros."""
SPACES = (" ", "\t", "\n", "\u00a0", "\ufeff")
"""White space that a key may begin with by mistake. What it ends with is found by itself: it sorts after the key."""
SPLIT = 24
"""Characters of the longest key of which all ways to put one space into it are looked at."""

EntityKey = tuple[str, str]
"""(kind, key)."""

_DIGITS = re.compile(r"\d+")
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_SPACE = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}")


def normal_form(key: str) -> str:
    """What all spellings of a key have in common. It is for comparison only: it may be no spelling itself."""
    text = _SPACE.sub("", normalize("NFKC", normalize("NFKC", key).casefold()))
    uuid = _uuid(text)
    return str(uuid) if uuid is not None else _ZEROS.sub("", text)


def spellings(key: str) -> list[str]:
    """Likely spellings of a key, each once, the key itself first. Their letters may be written in either case."""
    uuid = _uuid(_SPACE.sub("", key).lower())
    if uuid is not None:
        return _distinct([key, str(uuid), uuid.hex, f"{{{uuid}}}", f"urn:uuid:{uuid}"])
    words = [word for word in _SPACE.split(key) if word]
    plain = " ".join(words)
    found = [key, plain, *(space.join(words) for space in ("", "  ", *SPACES[1:4])), *(s + plain for s in SPACES)]
    found += [_padded(plain, width) for width in (1, *WIDTHS)]
    if len(words) == 1 and len(plain) <= SPLIT:
        found += [f"{plain[:n]} {plain[n:]}" for n in range(1, len(plain))]
    return _distinct(normalize(form, text) for form in ("NFC", "NFD", "NFKC") for text in found)


def _padded(key: str, width: int) -> str:
    """The key with each of its numbers written with at least this many digits, and no more zeros than that needs."""
    return _DIGITS.sub(lambda digits: digits[0].lstrip("0").zfill(width), key)


def _uuid(text: str) -> UUID | None:
    """The UUID that a text without white space and capitals spells in any of its forms; None: it spells none."""
    digits = text.removeprefix("urn:uuid:").strip("{}").replace("-", "")
    return UUID(digits) if _HEXADECIMAL.fullmatch(digits) else None


def _distinct(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(key for key in keys if key))


class _NextKey(NamedTuple):
    """A row of ``next_keys``: the first key from a seek on. ``n``: the number of the seek, from 1."""

    n: int
    key: str
    live: bool


@dataclass(slots=True)
class _Search:
    """The search along one spelling. ``normal``: normal form of the key; ``letters``: for each character the ways to
    write it, sorted."""

    of: EntityKey
    normal: str
    letters: list[tuple[str, ...]]
    seek: str

    def advance(self, key: str) -> bool:
        """Goes on to the first way to write the spelling that sorts after ``key``; False: there is none."""
        following = _after(self.letters, key)
        self.seek = following or ""
        return following is not None


async def similar_keys(at: Snapshot, wanted: Iterable[EntityKey]) -> dict[EntityKey, list[str]]:
    """Returns, for each (kind, key), up to five keys of live entities of that kind that are spelled alike, sorted.

    Only the first ``KEYS`` of them are looked up; the others are left out.
    """
    found: dict[EntityKey, set[str]] = {of: set() for of in islice(wanted, KEYS)}
    searches = [search for of in found for search in _searches(of)]
    for _ in range(ROUNDS):
        if not searches:
            break
        rows = await fetch_rows(
            at.conn,
            _NextKey,
            "next_keys",
            tenant=at.tenant,
            kinds=[search.of[0] for search in searches],
            seeks=[search.seek for search in searches],
        )
        going_on = []
        for row in rows:
            search = searches[row.n - 1]
            known = found[search.of]
            if row.live and row.key != search.of[1] and normal_form(row.key) == search.normal:
                known.add(row.key)
            if len(known) < FOUND and search.advance(row.key):
                going_on.append(search)
        searches = going_on
    return {of: sorted(keys)[:FOUND] for of, keys in found.items()}


def _searches(of: EntityKey) -> Iterator[_Search]:
    normal = normal_form(of[1])
    for spelling in spellings(of[1]):
        letters = [_cases(character) for character in spelling]
        yield _Search(of, normal, letters, "".join(ways[0] for ways in letters))


def _cases(character: str) -> tuple[str, ...]:
    """The ways to write a letter: itself, small and capital, sorted by their bytes in UTF-8, which is their order as
    code points."""
    return tuple(sorted({character, character.lower(), character.upper(), character.casefold()}))


def _after(letters: list[tuple[str, ...]], key: str) -> str | None:
    """The first way to write the letters that sorts after ``key``; None: all sort before it.

    Walks along ``key`` as long as a way to write the letters follows it, and then goes on with the first greater one at
    the last place that has one.
    """
    best: tuple[int, int, str] | None = None  # (letters that are taken, the next way, what they spell)
    taken, position = "", 0
    for n, ways in enumerate(letters):
        rest = key[position:]
        greater = next((w for w, way in enumerate(ways) if way > rest and not rest.startswith(way)), None)
        if greater is not None:
            best = n, greater, taken
        same = next((way for way in ways if rest.startswith(way)), None)
        if same is None:
            break
        taken, position = taken + same, position + len(same)
    if best is None:
        return None
    n, way, before = best
    return before + letters[n][way] + "".join(ways[0] for ways in letters[n + 1 :])
