"""The limits of names and keys: everything that is made of the largest ones fits where it is put."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import catalog as catalogs
from catalog import limits
from errors import BadDeclaration, Unacceptable
from facts.correlation import encode
from messages import shortened
from messages.workflow_ids import Subject, subject_id
from tests.support.scripts import SCRIPTS, text_of

INDEX_ENTRY = 2_704
"""Bytes of the largest entry that PostgreSQL takes into a B-tree index of 8 KB pages."""
VALUE = 4 + 3
"""Bytes that an index entry adds to a text: its length, and up to three to align it."""
NUMBER = 8 + 7
"""Bytes of a revision in an index entry, with up to seven to align it."""
ENTRY = 8
ORDER_KEY = 60
"""Bytes that correlation ids keep free for an order key."""
OPERATION = 32
WORD = 12
"""Bytes of the longest state, or kind of workflow."""

INDEXES = {
    "facts_pkey": (limits.TENANT, limits.SOURCE, limits.ID),
    "facts_of_entity": (limits.TENANT, limits.NAME, limits.KEY),
    "entities_pkey": (limits.TENANT, limits.NAME, limits.KEY),
    "entities_not_live": (limits.TENANT, limits.NAME, WORD, limits.KEY),
    "links_pkey": (limits.TENANT, limits.NAME, limits.KEY),
    "links_of_parent": (limits.TENANT, limits.NAME, limits.KEY, limits.KEY),
    "waits_pkey": (limits.TENANT, limits.NAME, limits.KEY),
    "outbox_pkey": (limits.TENANT, WORD, limits.NAME, limits.KEY, limits.SOURCE, limits.ID),
    "operations_open": (limits.TENANT, WORD, WORD, limits.NAME, limits.KEY),
    "operations_of_incarnations": (limits.TENANT, WORD, limits.NAME, limits.KEY, OPERATION),
    "operation_children_pkey": (limits.TENANT, OPERATION, limits.NAME, limits.KEY),
    "idempotency_keys_pkey": (limits.TENANT, limits.CREDENTIAL, 2 * 255),
}
"""Index → the sizes of the texts in one of its entries."""


@pytest.mark.parametrize("index", INDEXES)
def test_largest_entry_of_every_index_fits(index: str) -> None:
    assert ENTRY + sum(size + VALUE for size in INDEXES[index]) + NUMBER <= INDEX_ENTRY


@pytest.mark.parametrize("script", SCRIPTS)
def test_largest_parent_fits_into_the_ids_of_a_command(script: str) -> None:
    relationship, parent = "r" * limits.NAME, text_of(script, limits.KEY)
    free = -(-ORDER_KEY * 4 // 3)
    assert limits.size(encode(relationship, parent)) + free <= limits.ATTRIBUTE
    assert limits.size(quote(f"{'k' * limits.NAME}/{parent}", safe="/:-._~")) <= limits.ATTRIBUTE


@pytest.mark.parametrize("script", SCRIPTS)
def test_workflow_id_of_the_largest_names_fits_into_every_database(script: str) -> None:
    tenant = "t" * limits.TENANT
    for workflow in ("relationship", "cascade", "move"):
        subject = Subject(tenant=tenant, workflow=workflow, about="r" * limits.NAME, key=text_of(script, limits.KEY))
        assert len(subject_id(subject)) <= 255


@given(st.text(), st.integers(0, 64))
def test_text_is_too_long_exactly_if_its_bytes_exceed_the_limit(text: str, limit: int) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    reason = limits.excess("the key", text, limit)
    assert bool(reason) == (size > limit)
    if reason:
        assert f"{limit} bytes" in reason
        assert reason.endswith(f"it has {size}")
        with pytest.raises(Unacceptable):
            limits.check("the key", text, limit)
    else:
        limits.check("the key", text, limit)


@pytest.mark.parametrize("script", SCRIPTS)
def test_texts_for_temporal_are_cut_by_their_bytes_of_json(script: str) -> None:
    key = text_of(script, limits.KEY)
    for cut, most in ((shortened.summary, shortened.SUMMARY), (shortened.entity, shortened.ATTRIBUTE)):
        assert key.startswith(cut(key))
        assert most / 2 < shortened.json_size(cut(key)) <= most or cut(key) == key[:200]
    assert shortened.entity("plain") == shortened.summary("plain") == "plain"


MODULE = """
from tether import Created, Owner
OWNER = Owner("{owner}")
class Added(Created, entity="{kind}"):
    up: str
"""
RELATIONSHIP = """
from tether import Relationship
{name} = Relationship(parent="{kind}", child="{kind}", via="up")
"""


@pytest.mark.parametrize("longest", ["owner", "kind", "name"])
def test_declared_name_beyond_the_limit_keeps_tether_from_starting(tmp_path: Path, longest: str) -> None:
    def load(size: int) -> None:
        names = {"owner": f"o{size}", "kind": f"k{size}", "name": f"r{size}", longest: "n" * size}
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / f"facts{size}{longest}.py").write_text(MODULE.format(**names))
        (folder / f"{names['name']}.py").write_text(RELATIONSHIP.format(**names))
        catalogs.load([folder])

    load(limits.NAME)
    with pytest.raises(BadDeclaration, match=rf"longer than {limits.NAME} bytes: it has {limits.NAME + 1}"):
        load(limits.NAME + 1)
