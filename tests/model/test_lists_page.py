"""What docs/lists.md shows is true: its declarations load, and its examples fold into the members that it says."""

import re
from pathlib import Path

import pytest

from catalog import catalog as catalogs
from model.facts import read
from model.fold import fold

PAGE = (Path(__file__).parents[2] / "docs" / "lists.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = re.findall(r"^\| (`\d+` (?:list|added|removed).*?) \| ([\w, ]+) \|$", PAGE, re.MULTILINE)
TYPES = {"list": "DirectoryGroupReplaced", "added": "DirectoryMemberAdded", "removed": "DirectoryMemberRemoved"}


def test_page_has_the_declarations_and_examples_that_are_tested() -> None:
    assert [name for name, _ in BLOCKS] == ["directory", "directory_member"]
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("example", "members"), EXAMPLES)
def test_examples_of_the_page_have_the_members_that_it_says(tmp_path: Path, example: str, members: str) -> None:
    for name, text in BLOCKS:
        (tmp_path / f"{name}.py").write_text(text)
    catalog = catalogs.load([tmp_path])
    facts = []
    for n, (sequence, what, keys) in enumerate(
        re.findall(r"`(\d+)` (\w+) ([\w, ]+?)(?:, arriving \w+)?(?= ·|$)", example), 1
    ):
        listed = keys.split(", ")
        data = {"member_ids": listed} if what == "list" else {"group_id": "g", "user_id": listed[0]}
        event = {"source": "/directory", "id": str(n), "type": f"{TYPES[what]}.v1", "subject": "g", "data": data}
        facts.append(read(catalog, event | {"sequence": sequence}, n))
    assert {child for name, child, *_ in fold(catalog, facts).links if name == "directory_member"} == {
        *members.split(", ")
    }
