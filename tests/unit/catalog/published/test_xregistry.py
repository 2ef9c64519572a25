"""The xRegistry document: each version has its schema, messages name theirs, and a foreign validator accepts it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from catalog.catalog import Catalog
from catalog.evolution.document import document
from catalog.published import pages
from catalog.published.xregistry import xregistry


def test_every_message_names_the_schema_of_its_version(catalog: Catalog) -> None:
    whole = xregistry(document(catalog))
    messages = [one for group in whole["messagegroups"].values() for one in group["messages"].values()]
    assert {one["messageid"] for one in messages} == set(catalog.contracts.by_type)
    for one in messages:
        node: Any = whole
        for part in one["dataschemauri"].removeprefix("#/").split("/"):
            node = node[part]
        assert node["name"] == one["messageid"] == one["envelopemetadata"]["type"]["value"]
        assert node["schema"]["type"] == "object"


def test_foreign_validator_accepts_the_document(catalog: Catalog, tmp_path: Path) -> None:
    validator = shutil.which("xrcg")
    if validator is None:
        pytest.skip("NOT CHECKED: needs the program xrcg 0.11 on PATH; its 80 dependencies are not ours")
    file = tmp_path / "contracts.xreg.json"
    file.write_text(json.dumps(xregistry(document(catalog))))
    done = subprocess.run([validator, "validate", "-d", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_have_every_fact_and_command_with_its_fields(catalog: Catalog) -> None:
    whole = document(catalog)
    for page in (pages.markdown(whole), pages.html(whole)):
        assert all(one.type in page for one in whole.items)
        assert all(one.name in page for one in whole.commands)
        assert "Key of the event that it takes part in" not in page  # attribute docstrings are not in schemas
    assert "| `email` | string | yes |  |" in pages.markdown(whole)
    assert "<td>email</td><td>string</td><td>yes</td>" in pages.html(whole)
