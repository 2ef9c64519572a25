"""Byte order marks. JSON is UTF-8, whose mark carries no information; those of other encodings say that it is not.

RFC 8259, section 8.1. Programs on Windows write marks, at the beginning of each file. So files that were joined have
them within, at the beginning of a line, and several after an empty file.
"""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE

LONGEST_MARK = 4
"""Bytes of the longest mark."""

_FOREIGN = (  # that of UTF-16 is the beginning of one of UTF-32
    (BOM_UTF32_LE, "UTF-32"),
    (BOM_UTF32_BE, "UTF-32"),
    (BOM_UTF16_LE, "UTF-16"),
    (BOM_UTF16_BE, "UTF-16"),
)


def without_marks(content: bytes) -> bytes:
    """The same content without the marks of UTF-8 at its beginning."""
    while content.startswith(BOM_UTF8):
        content = content.removeprefix(BOM_UTF8)
    return content


def foreign_encoding(content: bytes) -> str:
    """The encoding that a mark at the beginning of content names, if it is not UTF-8; else an empty text."""
    return next((name for mark, name in _FOREIGN if content.startswith(mark)), "")
