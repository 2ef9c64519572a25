"""Reads the contracts to compare with: of a git revision, a file, or a running Tether."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cli.client import client, path
from errors import Refused

if TYPE_CHECKING:
    from catalog.evolution.dependents import FilteredConsumer
    from catalog.evolution.document import ContractDocument


@dataclass(frozen=True)
class EarlierContracts:
    """What is compared with. ``name``: as the user named it; ``consumers``: those of a running Tether."""

    name: str
    document: ContractDocument
    consumers: list[FilteredConsumer] = field(default_factory=list)


def earlier(against: str, directories: Sequence[Path], key: str, *, every: bool) -> list[EarlierContracts]:
    """Returns the contracts that ``against`` names, a URL, file or git revision.

    ``directories``: the catalog directories, whose repository has the revision; ``key``: API key for a URL;
    ``every``: of a git revision, also each later state of the declarations, the oldest first. Raises TetherError.
    """
    if against.startswith(("http://", "https://")):
        return [_running(against, key)]
    if Path(against).is_file():
        return [EarlierContracts(against, _exported(Path(against)))]
    revisions = _revisions(against, directories) if every else [against]
    return [EarlierContracts(revision, _committed(revision, directories)) for revision in revisions]


def _running(url: str, key: str) -> EarlierContracts:
    from catalog.evolution.dependents import FilteredConsumer
    from catalog.evolution.document import ContractDocument

    with client(url, key) as tether:
        found = ContractDocument.model_validate(tether.request("GET", path("contracts"), expects="items"))
        pages = tether.pages(path("consumers"))
        consumers = [FilteredConsumer(one["name"], one["filter"]) for page in pages for one in page["items"]]
    return EarlierContracts(url, found, consumers)


def _exported(file: Path) -> ContractDocument:
    from pydantic import ValidationError

    from catalog.evolution.document import ContractDocument

    try:
        return ContractDocument.model_validate_json(file.read_bytes())
    except OSError as problem:
        raise Refused(f"{file}: cannot be read ({problem.strerror}). Name another.") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise Refused(
            f"{file}: is no document of contracts ({place}: {first['msg']}). "
            "Make one with `tether contracts export --format json`."
        ) from None


def _committed(revision: str, directories: Sequence[Path]) -> ContractDocument:
    """The contracts as they were declared at a git revision, read by the code of today."""
    from catalog import catalog, discovery
    from catalog.evolution.document import document

    with TemporaryDirectory() as temporary:
        target = Path(temporary)
        if directories:
            for n, directory in enumerate(directories):
                _extract(revision, directory, ["."], target / str(n))
            found = catalog.load([target / str(n) for n in range(len(directories))])
        else:
            _extract(revision, discovery.ROOT, list(discovery.PACKAGES), target / "own")
            found = catalog.load([target / "own"], own=False)
        return document(found)


def _extract(revision: str, directory: Path, names: list[str], target: Path) -> None:
    """Writes files and folders of a directory as they were at a revision; what was not there then is left out."""
    target.mkdir()
    commit = _git(directory, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", of=revision).decode().strip()
    there = _git(directory, "ls-tree", "--name-only", commit, "--", *(_within(names)), of=revision)
    if not there:
        return
    archive = _git(directory, "archive", "--format=tar", commit, "--", *names, of=revision)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(target, filter="data")
        else:  # before Python 3.11.4; git has no paths that leave the folder
            tar.extractall(target)


def _within(names: list[str]) -> list[str]:
    return ["./"] if names == ["."] else names


def _revisions(revision: str, directories: Sequence[Path]) -> list[str]:
    """The revision, and each later commit of the same branch that changed a declaration, the oldest first."""
    from catalog import discovery

    homes = {_git(one, "rev-parse", "--show-toplevel", of=revision) for one in directories or [discovery.ROOT]}
    if len(homes) > 1:
        raise Refused(
            "The catalog directories lie in several repositories, whose commits have no common order. "
            "Compare without _TRANSITIVE, or with exported documents."
        )
    where = [str(one.absolute()) for one in directories] or [str(discovery.ROOT / name) for name in discovery.PACKAGES]
    home = directories[0] if directories else discovery.ROOT
    later = _git(home, "rev-list", "--reverse", "--abbrev-commit", f"{revision}..HEAD", "--", *where, of=revision)
    return [revision, *later.decode().split()]


def _git(directory: Path, *arguments: str, of: str) -> bytes:
    """The output of git in a directory. Raises Refused; ``of``: the revision that it is about."""
    try:
        done = subprocess.run(["git", "-C", str(directory), *arguments], capture_output=True, check=False)
    except OSError as problem:
        raise Refused(f"git cannot be run ({problem.strerror}). Install it, or compare with a file or a URL.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise Refused(
            f"--against {of}: is no URL, no file, and no revision of git in {directory}"
            f"{f' ({said})' if said else ''}. Name another, or fetch it."
        )
    return done.stdout
