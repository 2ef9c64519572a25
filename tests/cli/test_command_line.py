"""Common to all commands: help, errors, exit codes, the endpoint, and a fast start."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.main import app
from config import Settings
from tests.cli.conftest import ROOT, Said
from tests.support.fake_tether import FakeTether, ServedFake

Tether = Callable[..., Said]


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Words of every command, and of every noun."""
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


@pytest.mark.parametrize("words", [*commands(typer.main.get_command(app))], ids=" ".join)
def test_every_command_has_help(tether: Tether, words: tuple[str, ...]) -> None:
    said = tether(*words, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"Usage: {' '.join(('tether', *words))} " in said.out


def test_paragraphs_of_help_are_one_line_in_the_source() -> None:
    """In a terminal, line breaks inside paragraphs after the first would be kept."""
    root = typer.main.get_command(app)
    broken = []
    for words in commands(root):
        command: Any = root
        for word in words:
            command = command.commands[word]
        broken += [words for paragraph in (command.help or "").split("\n\n")[1:] if "\n" in paragraph.strip()]
    assert broken == []


def test_help_of_ports_gives_the_defaults_of_the_settings(tether: Tether) -> None:
    said, settings = " ".join(tether("up", "--help").out.split()), Settings()
    for port in (settings.port, settings.postgres_port, settings.temporal_port, settings.temporal_ui_port):
        assert f"[default: ({port})]" in said


def test_documents_name_commands_and_options_that_exist() -> None:
    """Every `tether …` in code of a document names a command, or a noun and its verb, and options that it takes."""
    root: Any = typer.main.get_command(app)
    wrong = []
    for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]:
        for text in re.findall(r"(?:`|bin/|^)tether ([a-z][^`\n#|…]*)", file.read_text(encoding="utf-8"), re.MULTILINE):
            words, command = text.split(), root
            while words and hasattr(command, "commands"):
                command = command.commands.get(words.pop(0))
            known = {"--help"} | {option for given in getattr(command, "params", ()) for option in given.opts}
            options = [word for word in words if word.startswith("--") and word != "--"]
            if command is None or not {*options} <= known:
                wrong.append(f"{file.relative_to(ROOT)}: tether {text}")
    assert wrong == []


def test_help_imports_no_slow_modules() -> None:
    slow = "{'httpx2', 'pydantic', 'temporalio', 'asyncpg', 'fastapi'}"
    check = f"import cli, sys; sys.exit(len({slow} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("words", [("nope",), ("links", "nope"), ("links", "list"), ("import", "f", "--batch", "0")])
def test_usage_error_is_one_line_with_exit_code_2(tether: Tether, words: tuple[str, ...]) -> None:
    said = tether(*words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("Error: ")
    assert "--help`." in said.err


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {"title": "Unknown", "detail": "no relationship gc"}), "Unknown: no relationship gc."),
        ((401, {"title": "Unauthenticated", "detail": "no key"}), "Give a key with --key or TETHER_KEY."),
        ((403, {"title": "Forbidden", "detail": "read only"}), "Use a key with a wider scope."),
        ((400, {"title": "Bad cursor", "detail": "x"}), "Bad cursor: x."),
        ((503, {"title": "Unavailable", "detail": "PostgreSQL\nis away"}), "PostgreSQL is away."),
        ((200, {"hello": "world"}), "not Tether's"),
        ((502, "<html>"), "not Tether's"),
    ],
)
def test_refusals_are_one_line_on_stderr(
    server: ServedFake, tether: Tether, fake: FakeTether, answer: tuple[int, Any], says: str
) -> None:
    fake.answers["GET /v1/relationships/gc/links"] = answer
    said = tether("links", "list", "gc")
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert says in said.err


def test_unreachable_server_is_named(server: ServedFake, tether: Tether) -> None:
    server.stop()
    said = tether("waiting", "list")
    assert said.code == 1
    assert said.err.startswith(f"Error: {server.url} cannot be reached")
    assert "is `tether up` running?" in said.err


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TETHER_URL", "localhost:1", ("waiting", "list")),
        ("TETHER_PORT", "many", ("up",)),
        ("TETHER_OWNERS", "{", ("serve",)),
        ("TETHER_KEY", "a\nb", ("waiting", "list")),
    ],
)
def test_invalid_environment_variable_is_one_line(
    tether: Tether, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv(variable, value)
    said = tether(*words)
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert variable.removeprefix("TETHER_").lower() in said.err.lower()


def test_flag_precedes_environment_precedes_file(
    server: ServedFake, tether: Tether, fake: FakeTether, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [
        {"scope": "read", "tenant": "main", "key": "no"},
        {"scope": "admin", "tenant": "other", "key": "no"},
        {"scope": "admin", "tenant": "main", "key": "from file"},
    ]
    data_dir.mkdir()
    (data_dir / "stack.json").write_text(json.dumps({"urls": {"api": server.url}}))
    (data_dir / "credentials.json").write_text(json.dumps({"keys": keys}))
    monkeypatch.delenv("TETHER_URL")
    tether("waiting", "list", "--key", "from flag")
    tether("waiting", "list")
    monkeypatch.delenv("TETHER_KEY")
    tether("waiting", "list")
    shown = [request[2]["authorization"] for request in fake.requests]
    assert shown == ["Bearer from flag", "Bearer the-key", "Bearer from file"]


def test_embedded_stacks_key_is_not_sent_to_another_machine(data_dir: Path) -> None:
    from cli.connection import resolve_endpoint

    data_dir.mkdir()
    keys = [{"scope": "admin", "tenant": "main", "key": "secret"}]
    (data_dir / "credentials.json").write_text(json.dumps({"keys": keys}))
    assert resolve_endpoint("http://localhost:1", "").key == "secret"
    assert resolve_endpoint("http://tether.example", "").key == ""


def test_verify_without_database_says_what_to_set(tether: Tether) -> None:
    said = tether("verify")
    assert said.code == 1
    assert "TETHER_DATABASE_URL is not set" in said.err
