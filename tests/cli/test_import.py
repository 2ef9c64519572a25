"""`tether import` of good and bad files."""

import gzip
import os
import threading
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path

import pytest

from facts.exported import HEADER
from tests.cli.conftest import Programs, Said, facts, saved_lines, write
from tests.support.fake_tether import FakeTether

Tether = Callable[..., Said]
pytestmark = pytest.mark.usefixtures("server")


@pytest.mark.parametrize("name", ["facts.ndjson", "facts.ndjson.gz"])
def test_every_line_of_plain_and_gzipped_files_is_imported(
    tether: Tether, fake: FakeTether, tmp_path: Path, name: str
) -> None:
    lines = facts(2_345)
    said = tether("import", write(tmp_path / name, lines), "--batch", "100", "-o", "json")
    assert said.code == 0
    assert sorted(fake.facts.values()) == sorted(line.rstrip() for line in lines)
    report = said.json
    assert (report["lines"], report["accepted"], report["duplicates"], report["rejected"]) == (2_345, 2_345, 0, 0)
    assert said.err == ""


def test_token_covers_the_whole_file(tether: Tether, tmp_path: Path) -> None:
    said = tether("import", write(tmp_path / "f", facts(1_000)), "--batch", "10", "-o", "json")
    assert said.json["token"] == "t1000"


def test_several_files_are_added_up(tether: Tether, tmp_path: Path) -> None:
    lines = facts(300)
    files = [write(tmp_path / "a", lines[:200]), write(tmp_path / "b", lines[100:])]
    report = tether("import", *files, "-o", "jsonl").json
    assert (report["lines"], report["accepted"], report["duplicates"]) == (400, 300, 100)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_plain_and_gzipped_standard_input_is_imported(
    programs: Programs, fake: FakeTether, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "f").write_bytes(pack(b"".join(facts(700))))
    with (tmp_path / "f").open("rb") as file:
        out, err = programs.start("import", "-", stdin=file).communicate()
    assert (len(fake.facts), err) == (700, "")
    assert "accepted             700" in out


def test_a_named_pipe_is_read_like_standard_input(
    tether: Tether, fake: FakeTether, data_dir: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"".join(facts(1_200)),))
    writer.start()
    said = tether("import", str(tmp_path / "pipe"), "-o", "json")
    writer.join()
    assert (said.code, said.json["accepted"], len(fake.facts)) == (0, 1_200, 1_200)
    assert not (data_dir / "import").exists()


@pytest.mark.parametrize("name", ["facts.ndjson", "facts.ndjson.gz"])
def test_export_is_imported_in_its_order_without_its_header(
    tether: Tether, fake: FakeTether, tmp_path: Path, name: str
) -> None:
    lines = facts(1_234)
    header = HEADER + b',"id":"export","data":{}}\n'
    said = tether("import", write(tmp_path / name, [header, *lines]), "--batch", "100", "-o", "json")
    assert (said.code, said.json["accepted"], said.json["lines"]) == (0, 1_234, 1_235)
    assert [*fake.facts.values()] == [line.rstrip() for line in lines]
    assert fake.paths == {"/v1/import"}


def test_blank_lines_and_missing_final_newline_are_imported(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    one, two = facts(2)
    content = [b"\n", one, b"  \r\n", b"no json\n", b"\n", two.rstrip()]
    said = tether("import", write(tmp_path / "f", content), "-o", "json")
    assert list(fake.facts) == ["e0", "e1"]
    assert said.json["lines"] == 6
    assert [rejected["line"] for rejected in said.json["first_rejected"]] == [4]


def test_joined_files_are_imported_although_each_has_a_byte_order_mark(
    tether: Tether, fake: FakeTether, tmp_path: Path
) -> None:
    one, two, three = facts(3)
    content = [BOM_UTF8 + one, two, BOM_UTF8 + three, BOM_UTF8 + b"\n", BOM_UTF8]
    said = tether("import", write(tmp_path / "f", content), "-o", "json")
    assert (said.code, said.json["accepted"], said.json["lines"]) == (0, 3, 5)
    assert list(fake.facts) == ["e0", "e1", "e2"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_file_in_another_encoding_is_refused_before_anything_is_sent(
    tether: Tether, fake: FakeTether, tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "f").write_bytes(pack(b"".join(facts(3)).decode().encode(encoding)))
    said = tether("import", str(tmp_path / "f"))
    assert (said.code, fake.batches) == (1, [])
    assert f"f: is {encoding.upper()}. Convert it to UTF-8." in said.err


def test_empty_file_is_imported(tether: Tether, tmp_path: Path) -> None:
    said = tether("import", write(tmp_path / "f", []), "-o", "json")
    assert (said.code, said.json["lines"]) == (0, 0)


def test_rejected_lines_are_named_and_saved_and_others_imported(
    tether: Tether, fake: FakeTether, tmp_path: Path
) -> None:
    lines = facts(1_000)
    lines[17], lines[555], lines[556] = b"{broken\n", b'{"type":"A"}\n', b"[]x\n"
    kept = tmp_path / "rejects"
    said = tether("import", write(tmp_path / "f", lines), "--batch", "50", "--reject-file", str(kept))
    assert said.code == 1
    assert len(fake.facts) == 997
    assert "f:18  json: is wrong" in said.out
    assert "f:556  id: is wrong" in said.out
    assert "accepted             997" in said.out
    assert said.err == "Error: Lines that were rejected: 3. Correct them and import them separately.\n"
    assert kept.read_bytes().splitlines() == [b"{broken", b'{"type":"A"}', b"[]x"]


def test_new_import_empties_the_reject_file(tether: Tether, tmp_path: Path) -> None:
    kept = tmp_path / "rejects"
    tether("import", write(tmp_path / "f", [b"x\n"]), "--reject-file", str(kept))
    assert kept.read_bytes() == b"x\n"
    assert tether("import", write(tmp_path / "g", facts(1)), "--reject-file", str(kept)).code == 0
    assert kept.read_bytes() == b""


def test_quarantined_facts_are_counted_and_ten_are_named(tether: Tether, tmp_path: Path) -> None:
    lines = facts(100)
    for place in range(30, 42):
        lines[place] = lines[place].replace(b"GroupCreated", b"UnknownThing")
    report = tether("import", write(tmp_path / "f", lines), "--batch", "7", "-o", "json").json
    assert (report["accepted"], report["quarantined"]) == (88, 12)
    assert [one["line"] for one in report["first_quarantined"]] == list(range(31, 41))
    assert report["first_quarantined"][0]["reason"] == "no such contract"


def test_warnings_are_counted_and_ten_are_named(tether: Tether, tmp_path: Path) -> None:
    lines = facts(100)
    for place in range(30, 42):
        lines[place] = lines[place].replace(b"GroupCreated", b"OddThing")
    file = write(tmp_path / "f", lines)
    report = tether("import", file, "--batch", "7", "-o", "json").json
    assert (report["accepted"], report["warnings"]) == (100, 12)
    assert [one["line"] for one in report["first_warnings"]] == list(range(31, 41))


def test_warnings_are_printed_and_are_no_failure(tether: Tether, tmp_path: Path) -> None:
    said = tether("import", write(tmp_path / "f", [facts(1)[0].replace(b"GroupCreated", b"OddThing")]))
    assert (said.code, said.err) == (0, "")
    assert "f:1  is odd" in said.out


def test_progress_of_a_finished_import_is_removed(tether: Tether, data_dir: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "f", facts(20))
    tether("import", file)
    assert saved_lines(data_dir) == 0
    assert tether("import", file, "-o", "json").json["duplicates"] == 20


def test_endless_line_is_rejected_and_not_held_in_memory(
    tether: Tether, fake: FakeTether, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.imports.lines.LONGEST", 1_000)
    one, two = facts(2)
    said = tether("import", write(tmp_path / "f", [one, b"x" * 5_500 + b"\n", two]), "-o", "json")
    assert [rejected["line"] for rejected in said.json["first_rejected"]] == [2]
    assert (said.code, list(fake.facts)) == (1, ["e0", "e1"])


def test_damaged_archive_is_imported_up_to_the_named_damage(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    lines = facts(5_000)
    packed = gzip.compress(b"".join(lines), 0)
    (tmp_path / "f.gz").write_bytes(packed[: len(packed) // 2])
    said = tether("import", str(tmp_path / "f.gz"), "--batch", "50")
    assert said.code == 1
    assert "f.gz: cannot be read after line" in said.err
    assert 2_000 < len(fake.facts) < 2_600


def test_response_that_omits_a_line_is_a_failure(tether: Tether, fake: FakeTether, tmp_path: Path) -> None:
    fake.forgetful = True
    said = tether("import", write(tmp_path / "f", facts(3)))
    assert said.code == 1
    assert "reported on 2 of 3 lines from line 1 on" in said.err
