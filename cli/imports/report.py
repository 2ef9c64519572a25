"""The report at the end of an import."""

from dataclasses import dataclass, field
from typing import Any

import typer

from cli.imports.outcomes import SHOWN, FileProgress
from cli.options import Format
from cli.output import show_document, show_line

_LISTED = ("quarantined", "rejected", "warnings")
_COUNTS = ("accepted", "duplicates", *_LISTED)


@dataclass(slots=True)
class ImportReport:
    """The outcomes of all files. ``facts_now`` and ``seconds`` count this run only."""

    progress_of: dict[str, FileProgress] = field(default_factory=dict)
    facts_now: int = 0
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Number of lines that were neither recorded nor quarantined."""
        return self._sum("rejected")

    def show(self, form: Format) -> None:
        """Prints the report to standard output."""
        if form is Format.text:
            typer.echo("\n".join(self._sentences()))
        else:
            show_document(self.as_json()) if form is Format.json else show_line(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Returns the counts of all files, with earlier runs of a resumed import, and the rate of this run."""
        return {
            **{name: self._sum(name) for name in ("lines", *_COUNTS)},
            **{f"first_{name}": self._firsts(f"first_{name}") for name in _LISTED},
            "seconds": round(self.seconds, 3),
            "facts_per_second": round(self.facts_now / self.seconds) if self.seconds else 0,
            "token": self._token(),
        }

    def _sentences(self) -> list[str]:
        totals = self.as_json()
        sentences = [f"{name:<12}{totals[name]:>12,}" for name in _COUNTS]
        for name in _LISTED:
            firsts = totals[f"first_{name}"]
            if firsts:
                sentences.append(f"{name}, the first {len(firsts)}:" if totals[name] > len(firsts) else f"{name}:")
            for one in firsts:
                about = f"{one['id']}: " if one.get("id") else ""
                sentences.append(f"  {one['file']}:{one['line']}  {about}{one['reason']}")
        sentences.append(f"{self.facts_now:,} facts in {self.seconds:.1f} s, {totals['facts_per_second']:,}/s")
        return [*sentences, f"token       {totals['token']}"] if totals["token"] else sentences

    def _sum(self, name: str) -> int:
        return sum(getattr(progress, name) for progress in self.progress_of.values())

    def _firsts(self, name: str) -> list[dict[str, Any]]:
        named = [{"file": file, **one} for file, done in self.progress_of.items() for one in done.as_json()[name]]
        return named[:SHOWN]

    def _token(self) -> str:
        tokens = [progress.token for progress in self.progress_of.values() if progress.token]
        return tokens[-1] if tokens else ""
