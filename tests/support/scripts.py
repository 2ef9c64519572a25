"""Texts of an exact size in bytes of UTF-8, in scripts whose characters have different sizes, in UTF-8 and in JSON."""

from random import Random

SCRIPTS = {
    "ascii": [chr(n) for n in range(0x30, 0x7B)],
    "cyrillic": [chr(n) for n in range(0x410, 0x450)],
    "han": [chr(n) for n in range(0x4E00, 0x5E00)],
    "emoji": [chr(n) for n in range(0x1F300, 0x1F600)],
    "quotes": ['"', "\\", "/", "'", "`"],
    "control": [chr(n) for n in range(1, 0x20)] + ["\x7f"],
}
"""Script → its characters: 1, 2, 3 and 4 bytes in UTF-8; then those that JSON and URLs escape."""


def text_of(script: str, size: int, seed: int = 0, start: str = "") -> str:
    """Returns a text of ``size`` bytes that begins with ``start``: random, so that it cannot be compressed to fit where
    another one would not. ``x`` fills what no character fits into."""
    random = Random(f"{script} {seed}")
    found = start
    left = size - len(start.encode())
    while left > 0:
        character = random.choice(SCRIPTS[script])
        character = character if len(character.encode()) <= left else "x"
        found += character
        left -= len(character.encode())
    assert len(found.encode()) == size
    return found
