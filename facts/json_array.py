"""Cuts a JSON array into its elements without parsing them, so that a broken element harms only itself.

A broken element may hide where the next one begins. The cut is made only where it is certain: an element counted
wrongly would give every later one a wrong index, and its sender would correct the wrong event.
"""

import re

from errors import Malformed
from facts.json_text import WHITE_SPACE

_TOKEN = re.compile(
    rb"""[^"\[\]{},]*+
    (?: "(?:[^"\\]++|\\.)*+"(?=\s*+[,:\]}])    # decides nothing
    | ( "(?:[^"\\]++|\\.)*+"? | [\[\]{},] ) )""",
    re.DOTALL | re.VERBOSE,
)
"""A structural character or a string; it is in the group unless it is a string that ends where a name or a value does.

Possessive: it takes linear time. A possessive repetition of what may fail at its end is wrong in Python before 3.11.5.
"""
_NO_NAME = re.compile(rb'\s*+(?:[^"\s]|"(?:[^"\\]++|\\.)*+"\s*+[,}\]])', re.DOTALL)
"""What is not the beginning of a name and its colon: no string, or one that ends like a value."""
_OBJECT = re.compile(rb"\s*+\{")
_SWALLOWED = re.compile(rb'[^,]*+(,)\s*+\{\s*+"')
"""A string that was never closed, and has taken in the beginning of the next element up to the quote of its first name.
Without another comma, where an element may begin as well."""
_ANOTHER = re.compile(rb"[,}\]]\s*+\{")
"""Where another element may begin."""


def array_elements(content: bytes) -> list[bytes]:
    """Returns the bytes of an array's elements: if each is good JSON, so is the array.

    Raises Malformed if it is no array, or cannot be cut with certainty.
    """
    begin, end = len(content) - len(content.lstrip(WHITE_SPACE)), len(content.rstrip(WHITE_SPACE)) - 1
    if end <= begin or content[begin : begin + 1] != b"[" or content[end : end + 1] != b"]":
        raise Malformed("batch", "is no JSON array")
    return _Cutter(content, begin + 1, end).cut()


class _Cutter:
    """Reads an array's tokens from left to right. ``end``: position of its last bracket.

    ``_open`` holds the brackets that the present element has opened, ``_count`` how many of each kind. ``_clean``: its
    brackets match, and its strings end before a comma, colon or bracket. ``_named``: in its objects, a name follows
    each comma.
    """

    def __init__(self, content: bytes, start: int, end: int) -> None:
        self._content = content
        self._end = end
        self._found: list[bytes] = []
        self._begin(start)

    def cut(self) -> list[bytes]:
        """Returns the elements."""
        position = self._start
        while (token := _TOKEN.match(self._content, position)) is not None:
            place, position = token.start(1), token.end()
            mark = token[1]
            if mark is None:
                continue
            if mark in (b"{", b"["):
                if not self._open and self._content[self._start : place].strip():
                    self._clean = False
                self._open += mark
                self._count[mark] += 1
            elif mark == b",":
                self._comma(place)
            elif mark == b"}":
                self._close(b"{")
            elif mark == b"]":
                if place == self._end:
                    return self._last()
                self._close(b"[")
            elif position > self._end:  # a string that is never closed has taken in the last bracket
                self._clean = self._clean and b"," not in mark
                return self._last()
            else:
                position = self._odd_string(place, mark)
        raise self._uncertain()  # not reached: the last token ends at the last bracket

    def _begin(self, start: int) -> None:
        self._start = start
        self._open = bytearray()
        self._count = {b"{": 0, b"[": 0}
        self._clean = self._named = True

    def _comma(self, place: int) -> None:
        """In an object, a name follows a comma; where another object follows, the element was never closed."""
        if not self._open:
            self._take(place)
        elif not self._count[b"["] and _OBJECT.match(self._content, place + 1):
            self._take(place, forced=True)
        elif self._open.endswith(b"{") and _NO_NAME.match(self._content, place + 1):
            self._named = False

    def _close(self, opener: bytes) -> None:
        """Closes the innermost bracket of this kind, or of the other kind if there is none."""
        self._clean = self._clean and self._open.endswith(opener)
        wanted = opener if self._count[opener] else bytes(self._open[-1:])
        while self._open:
            popped = bytes((self._open.pop(),))
            self._count[popped] -= 1
            if popped == wanted:
                return

    def _odd_string(self, place: int, string: bytes) -> int:
        """Handles a string that no value ends with; returns where to read on."""
        swallowed = _SWALLOWED.fullmatch(string)
        if swallowed is None or self._count[b"["]:
            self._clean = False
            return place + len(string)
        self._take(place + swallowed.start(1), forced=True)
        return self._start

    def _last(self) -> list[bytes]:
        if self._count[b"["]:
            raise Malformed("batch", "is no JSON array: it is not closed")
        if self._found or self._content[self._start : self._end].strip(WHITE_SPACE):
            self._take(self._end, forced=bool(self._open))
        return self._found

    def _take(self, end: int, *, forced: bool = False) -> None:
        """Ends the element; ``forced``: although its brackets are open. Raises Malformed if that is not certain."""
        element = self._content[self._start : end]
        if forced and not (self._clean and self._named):
            raise self._uncertain()
        if not self._clean and _ANOTHER.search(element):
            raise self._uncertain()
        self._found.append(element)
        self._begin(end + 1)

    def _uncertain(self) -> Malformed:
        number = len(self._found)
        return Malformed(
            "batch", f"the brackets or quotes of event {number} do not match: where the next one begins is not certain"
        )
