"""Upcasters, types of other systems, message mappings and normal forms of keys, as they are declared and refused."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import catalog as catalogs
from catalog.key_forms import CaseFolded, KeyForm, Nfc, Uuid
from catalog.upcasting import meaning
from tests.support.declarations import refusal_of, write

POSTS = """
    from tether import CaseFolded, MappedFact, Merged, Uuid, maps, upcast
    OWNER = Owner("posts")
    class PostWritten(Created, entity="post"):
        text: str
    class PostWrittenV2(Created, entity="post", version=2):
        body: str
    class PostWrittenV3(Created, entity="post", version=3):
        body: str
        language: str = "en"
    class PostEdited(Changed, entity="post"):
        text: str = ""
    class PostEditedV2(Changed, entity="post", version=2):
        body: str = ""
    class PostDeleted(Deleted, entity="post"):
        pass
    class PostsMerged(Merged, entity="post"):
        survivor: str
        losers: list[str]
    class PostsMergedV2(Merged, entity="post", version=2):
        survivor: str
        losers: list[str]
    class ReplyWritten(Created, entity="reply"):
        text: str
"""
RENAME = """
    @upcast({}, {})
    def rename{}(data):
        return {{"body": data["text"]}} if "text" in data else {{}}
"""


def posts(root: Path, text: str) -> Path:
    write(root, "contracts", "posts", POSTS + text)
    return root


def renaming(*pairs: tuple[str, str]) -> str:
    return "".join(RENAME.format(*pair, number) for number, pair in enumerate(pairs))


def test_chain_of_upcasters_is_read_as_the_newest_version(tmp_path: Path) -> None:
    steps = renaming(("PostWritten", "PostWrittenV2"), ("PostWrittenV2", "PostWrittenV3"))
    contracts = catalogs.load([posts(tmp_path, steps)]).contracts
    assert list(contracts.upcasters)[-2:] == [
        ("PostWritten.v1", "PostWritten.v2"),
        ("PostWritten.v2", "PostWritten.v3"),
    ]
    reading = contracts.readings["PostWritten.v1"]
    assert (reading.contract.wire_type, len(reading.steps)) == ("PostWritten.v3", 2)
    assert len(contracts.readings["PostWritten.v2"].steps) == 1
    assert "PostWritten.v3" not in contracts.readings


def test_fields_of_a_kind_are_those_of_newest_versions(tmp_path: Path) -> None:
    steps = renaming(
        ("PostWritten", "PostWrittenV3"), ("PostWrittenV2", "PostWrittenV3"), ("PostEdited", "PostEditedV2")
    )
    assert catalogs.load([posts(tmp_path, steps)]).contracts.fields_of("post") == {"body", "language"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (renaming(("PostWritten", "PostEdited")), "their effects differ.* derive from the same of Created"),
        (renaming(("PostWritten", "ReplyWritten")), "a fact of 'post' and PostWritten|of 'reply'"),
        (renaming(("PostsMerged", "PostsMergedV2")), "is about identity.* Remove the upcaster"),
        (renaming(("PostWritten", "PostWrittenV2"), ("PostWritten", "PostWrittenV3")), "in one way only"),
        (renaming(("PostWritten", "PostWrittenV2"), ("PostWrittenV2", "PostWritten")), "lead back to it"),
        (renaming(("PostWritten", "PostWritten")), "lead back to it"),
        (renaming(("PostWritten", "Created")), "Created is no fact that 'posts' declares"),
        ("@upcast(PostEdited, PostEditedV2)\n    def one(data):\n        return {'body': data['text']}", "KeyError"),
        ("@upcast(PostEdited, PostEditedV2)\n    def one(data):\n        return {'body': ''}", "a default belongs to"),
    ],
)
def test_bad_upcaster_is_refused_with_the_mend(tmp_path: Path, text: str, reason: str) -> None:
    assert re.search(reason, str(refusal_of(posts(tmp_path, "\n    " + text.strip() + "\n"))), re.DOTALL)


MOVED = """
    class {0}(Changed, entity="post", type="{1}"{2}):
        to: str
"""


def test_fact_of_another_system_has_its_own_type(tmp_path: Path) -> None:
    text = MOVED.format("PostMoved", "com.example.posts.moved", "")
    text += MOVED.format("PostMovedV2", "com.example.posts.moved.v2", ", version=2")
    contracts = catalogs.load([posts(tmp_path, text)]).contracts
    first, second = (contracts.by_type[f"com.example.posts.moved{suffix}"] for suffix in ("", ".v2"))
    assert (first.name, first.version, second.name, second.version) == ("PostMoved", 1, "PostMoved", 2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MOVED.format("A", "x.moved", "") + MOVED.format("B", "x.moved", ""), "x.moved is declared in .* as well"),
        (MOVED.format("A", "PostWritten.v1", ""), "PostWritten.v1 is declared in .* as well"),
        (MOVED.format("A", "PostWritten", ""), "is what PostWritten.v1 is called without its version"),
        (MOVED.format("A", "x moved", ""), "printable ASCII"),
        (MOVED.format("A", "Merged.v1", ""), "fact of Tether's own"),
        (MOVED.format("A", "x.moved.v2", ""), r"version 2 in it.* Declare version=2"),
    ],
)
def test_bad_type_is_refused_with_the_mend(tmp_path: Path, text: str, reason: str) -> None:
    assert re.search(reason, str(refusal_of(posts(tmp_path, text))), re.DOTALL)


MAPPING = """
    @maps("{}", to=({}))
    def {}(message):
        yield MappedFact(PostWritten, 1, {{}})
"""


def test_mapping_is_found_with_its_owner(tmp_path: Path) -> None:
    contracts = catalogs.load([posts(tmp_path, MAPPING.format("x.posts", "PostWritten,", "read"))]).contracts
    assert (contracts.mappings["x.posts"].owner, contracts.mappings["x.posts"].type) == ("posts", "x.posts")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            MAPPING.format("x", "PostWritten,", "a") + MAPPING.format("x", "PostWritten,", "b"),
            "is mapped in .* as well",
        ),
        (MAPPING.format("PostWritten.v1", "PostWritten,", "a"), "is the type of a declared fact"),
        (MAPPING.format("x", "", "a"), "gives no fact"),
        (MAPPING.format("x", "Created,", "a"), "Created is no fact that 'posts' declares"),
    ],
)
def test_bad_mapping_is_refused_with_the_mend(tmp_path: Path, text: str, reason: str) -> None:
    assert re.search(reason, str(refusal_of(posts(tmp_path, text))), re.DOTALL)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [('{"user": CaseFolded}', "no kind of this owner"), ('{"post": "lower"}', "Use Nfc, CaseFolded or Uuid")],
)
def test_bad_normal_form_is_refused_with_the_mend(tmp_path: Path, keys: str, reason: str) -> None:
    root = posts(tmp_path, "")
    file = root / "contracts" / "posts.py"
    file.write_text(file.read_text().replace('Owner("posts")', f'Owner("posts", keys={keys})'))
    assert re.search(reason, str(refusal_of(root)), re.DOTALL)


@given(st.sampled_from([Nfc, CaseFolded]), st.text(max_size=8))
def test_normal_form_is_idempotent(form: KeyForm, key: str) -> None:
    normal = form.normal(key)
    assert normal is not None
    assert form.normal(normal) == normal


UUID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


@pytest.mark.parametrize(
    "spelled",
    [UUID, UUID.upper(), UUID.replace("-", ""), f"{{{UUID}}}", f"urn:uuid:{UUID}", f"URN:UUID:{UUID.upper()}"],
)
def test_spellings_of_a_uuid_are_one_key(spelled: str) -> None:
    assert Uuid.normal(spelled) == UUID


@pytest.mark.parametrize("other", ["", "7", f"{{{UUID}", UUID[:-1], UUID + "0", UUID.replace("-", "", 1), f" {UUID}"])
def test_what_is_no_uuid_has_no_normal_form(other: str) -> None:
    assert Uuid.normal(other) is None


def test_accents_and_letter_case_are_one_key() -> None:
    assert Nfc.normal("e\u0301") == Nfc.normal("\u00e9") == "\u00e9"
    assert CaseFolded.normal("STRASSE") == CaseFolded.normal("Straße") == "strasse"
    assert Nfc.normal("Ada") != Nfc.normal("ada")


def one(data: dict[str, str]) -> dict[str, str]:
    return {"name": _helped(data["name"])}


def _helped(text: str) -> str:
    return text.strip(_BLANK)


_BLANK = " "


def test_meaning_of_a_function_changes_with_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    before = meaning(one)
    assert meaning(one) == before
    monkeypatch.setitem(globals(), "_BLANK", "\t")
    assert meaning(one) != before
