"""One word, one meaning: the words of docs/glossary.md hold for every file."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.architecture.conftest import MODULES, PRODUCT, TOOLS, sources
from tests.architecture.test_files import tracked_texts

EXEMPT = re.compile(
    r"docs/glossary\.md|store/db/migrations/.*|tests/.*/before/.*|tests/replay/histories/.*|.*requirements\.(lock|in)|examples/data/.*"
)
"""The page itself; what may have been applied or recorded and cannot change; what others wrote."""


def banned_words(root: Path) -> list[str]:
    """The left column of the glossary's last table."""
    page = (root / "docs" / "glossary.md").read_text(encoding="utf-8")
    table = page.rpartition("|---|---|\n")[2]
    return [
        word.strip() for line in table.splitlines() if line.startswith("|") for word in line.split("|")[1].split(",")
    ]


def pattern(words: list[str]) -> re.Pattern[str]:
    """Matches a word also as a part of a snake_case or CamelCase name."""
    alternatives = []
    for word in words:
        spaced = r"[\s_-]+".join(word.split())
        camel = "".join(part.title() for part in word.split())
        alternatives.append(rf"(?<![A-Za-z])(?i:{spaced})(?![A-Za-z])|(?<![A-Z]){camel}(?![a-z])")
    return re.compile("|".join(alternatives))


def test_banned_words_of_the_glossary_occur_nowhere_else(root: Path) -> None:
    words = banned_words(root)
    found = pattern(words)
    # Plain words in small letters are found much faster. Few lines have one.
    plain = re.compile("|".join(re.escape(word.split()[0].lower()) for word in words))
    assert [
        f"{name}:{number}: {match.group()}"
        for name, text in tracked_texts(root).items()
        if not EXEMPT.fullmatch(name) and plain.search(text.lower())
        for number, line in enumerate(text.splitlines(), 1)
        if plain.search(line.lower()) and not line.endswith(("former name", "given name"))
        for match in found.finditer(line)
    ] == []


def test_no_two_packages_have_a_class_of_the_same_name(root: Path) -> None:
    names = Counter(
        node.name
        for file in sources(root, *PRODUCT, *TOOLS, *MODULES)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []
