"""`tether export`: a whole file or none, of one tenant of the database."""

import asyncio
import gzip
from pathlib import Path

import orjson
import pytest

from cli.main import main
from facts.exported import HEADER
from tests.support.people import PEOPLE, merged
from tests.support.recording import TENANT, FactRecorder


@pytest.fixture
def database(database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_DATABASE_URL", database_url)


async def export(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["export", "--tenant", TENANT, *arguments])


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", ["facts.ndjson", "facts.ndjson.gz"])
async def test_export_is_a_header_and_the_facts_in_their_order(
    facts: FactRecorder, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    await facts.record(*PEOPLE)
    await facts.record(merged("anne", "ann"))
    file = tmp_path / name
    assert await export("--kind", "person", "-o", str(file)) == 0
    assert capsys.readouterr().err.startswith(f"{len(PEOPLE) + 1} facts of tenant {TENANT}, as of ")
    content = file.read_bytes()
    header, *lines = (gzip.decompress(content) if name.endswith(".gz") else content).splitlines()
    assert header.startswith(HEADER)
    assert [orjson.loads(line)["type"] for line in lines] == [fact["type"] for fact in (*PEOPLE, merged("anne", "ann"))]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]


@pytest.mark.usefixtures("database")
async def test_refused_export_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("--kind", "nothing"), ("--as-of", "no token")):
        assert await export(*arguments, "-o", str(tmp_path / "facts")) == 1
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
    assert await export("-o", str(tmp_path / "no" / "facts")) == 1
    assert "cannot be written" in capsys.readouterr().err
