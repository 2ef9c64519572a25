"""The rules of the house that no linter knows."""

import ast
import io
import re
import statistics
import subprocess
import tokenize
from pathlib import Path

from tests.architecture.conftest import MODULES, PRODUCT, TOOLS, sources

INDEX_HOST = re.compile(r"\b(pypi|pythonhosted|npmjs|crates|rubygems|golang|debian)\.(org|io|com)\b")
MACHINE_PATH = re.compile(r"(?<![\w.:/$}>-])/(root|home|Users|work)/\w")
NO_REASON = re.compile(r"#\s*(noqa|type:|pragma).*|#\s*$")


def everything(root: Path) -> list[Path]:
    return list(sources(root, *PRODUCT, *TOOLS, *MODULES))


def tracked_texts(root: Path) -> dict[str, str]:
    """Path → text of every file that is committed or about to be; binary files left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    texts = {}
    for name in filter(None, listed.split("\0")):
        try:
            texts[name] = (root / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # binary, or deleted and not yet committed
    return texts


def comments(text: str) -> dict[int, str]:
    """Line number → comment."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Whether any exception may end here: what is raised again at the end of the handler does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = {node.id for node in ast.walk(handler.type or handler) if isinstance(node, ast.Name)}
    return handler.type is None or not caught.isdisjoint({"Exception", "BaseException"})


def test_files_fit_on_a_few_screens(root: Path) -> None:
    lengths = {
        str(file.relative_to(root)): len(file.read_text(encoding="utf-8").splitlines()) for file in everything(root)
    }
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}
    assert statistics.median(lines for lines in lengths.values() if lines) <= 100


def test_workflow_instances_pay_nothing_for_their_package(root: Path) -> None:
    # Temporal's sandbox executes this file anew in every workflow instance.
    assert (root / "workflows" / "__init__.py").read_bytes() == b""


def test_every_module_says_what_it_is(root: Path) -> None:
    silent = [
        str(file.relative_to(root))
        for file in everything(root)
        if file != root / "workflows" / "__init__.py" and not ast.get_docstring(ast.parse(file.read_bytes()))
    ]
    assert silent == []


def test_no_handler_swallows_everything_without_a_reason(root: Path) -> None:
    unexplained = []
    for file in everything(root):
        text = file.read_text(encoding="utf-8")
        said = {line: comment for line, comment in comments(text).items() if not NO_REASON.fullmatch(comment)}
        unexplained += [
            f"{file.relative_to(root)}:{node.lineno}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ExceptHandler) and swallows_everything(node)
            if node.lineno not in said and node.lineno - 1 not in said
        ]
    assert unexplained == []


def test_no_file_names_a_package_index_or_a_machine(root: Path) -> None:
    found = [
        f"{name}:{number}: {match.group()}"
        for name, text in tracked_texts(root).items()
        for number, line in enumerate(text.splitlines(), 1)
        for match in (INDEX_HOST.search(line) or MACHINE_PATH.search(line),)
        if match
    ]
    assert found == []


def test_every_locked_package_has_hashes_and_an_exact_version(root: Path) -> None:
    for lock in (root / "requirements.lock", root / "deploy" / "requirements.lock"):
        entries = re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8").strip())
        assert [e for e in entries if not re.match(r"[\w.-]+==[\w.]+ ", e) or "--hash=sha256:" not in e] == []
