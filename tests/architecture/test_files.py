"""Rules for all files that no linter has."""

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


def product_files(root: Path) -> list[Path]:
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


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether the handler catches every exception and does not raise it again at its end."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = {node.id for node in ast.walk(handler.type or handler) if isinstance(node, ast.Name)}
    return handler.type is None or not caught.isdisjoint({"Exception", "BaseException"})


def test_files_have_at_most_300_lines_and_a_median_of_100(root: Path) -> None:
    lengths = {
        str(file.relative_to(root)): len(file.read_text(encoding="utf-8").splitlines())
        for file in (*product_files(root), *sources(root, "tests"))
    }
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}
    assert statistics.median(lines for lines in lengths.values() if lines) <= 100


def test_workflows_package_module_is_empty(root: Path) -> None:
    # Temporal's sandbox executes this file in every workflow instance.
    assert (root / "workflows" / "__init__.py").read_bytes() == b""


def test_every_module_has_a_docstring(root: Path) -> None:
    silent = [
        str(file.relative_to(root))
        for file in product_files(root)
        if file != root / "workflows" / "__init__.py" and not ast.get_docstring(ast.parse(file.read_bytes()))
    ]
    assert silent == []


def test_every_broad_except_states_its_reason(root: Path) -> None:
    unexplained = []
    for file in product_files(root):
        text = file.read_text(encoding="utf-8")
        said = {line: comment for line, comment in comments(text).items() if not NO_REASON.fullmatch(comment)}
        unexplained += [
            f"{file.relative_to(root)}:{node.lineno}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ExceptHandler) and catches_everything(node)
            if node.lineno not in said and node.lineno - 1 not in said
        ]
    assert unexplained == []


def test_no_file_contains_a_package_index_host_or_a_machine_path(root: Path) -> None:
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


def test_every_sql_file_lies_beside_the_module_of_its_name(root: Path) -> None:
    queries = list((root / "store").glob("*/*.sql"))
    assert queries
    assert [file for file in queries if not file.with_suffix(".py").is_file()] == []


def test_files_named_in_the_documents_exist(root: Path) -> None:
    documents = [root / "ARCHITECTURE.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    tracked = tracked_texts(root)
    names = {Path(name).name for name in tracked}
    folders = {f"{parent}/" for name in tracked for parent in Path(name).parents}
    generated = {".tether/", "bench/results/", "before/"}
    missing = [
        f"{document.name}: {path}"
        for document in documents
        for path in re.findall(r"`([\w./-]+(?:\.py|\.sql|\.md|/))`", document.read_text(encoding="utf-8"))
        if path not in tracked and path not in folders and path not in names and path not in generated
    ]
    assert missing == []


def test_names_of_tests_have_at_most_72_characters(root: Path) -> None:
    long = [
        f"{file.relative_to(root)}: {node.name}"
        for file in sorted((root / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and len(node.name) > 72
    ]
    assert long == []
