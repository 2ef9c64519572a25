"""Paths of the API: a key in one may be any text."""

import re
from pathlib import Path

import api.routes

PARAMETER = re.compile(r'"/[^"]*\{(key|child|parent)(:\w+)?\}')


def test_every_key_in_a_path_may_hold_slashes_and_line_breaks() -> None:
    (folder,) = api.routes.__path__
    found = [at for file in Path(folder).glob("*.py") for at in PARAMETER.findall(file.read_text("utf-8"))]
    assert sorted(set(found)) == [("child", ":key"), ("key", ":key")]
