"""The summary at the end of an import."""

from dataclasses import dataclass, field
from typing import Any

import typer

from cli.imports.outcomes import SHOWN, Tally
from cli.options import Format
from cli.output import show_document, show_line


@dataclass(slots=True)
class Report:
    """What became of all files; ``facts_now`` and ``seconds`` are of this run alone."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    facts_now: int = 0
    seconds: float = 0.0

    @property
    def rejected(self) -> int:
        """Lines that the server will not take."""
        return self._sum("rejected")

    def show(self, form: Format) -> None:
        """On standard output."""
        if form is Format.text:
            typer.echo("\n".join(self._sentences()))
        else:
            show_document(self.as_json()) if form is Format.json else show_line(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Counts over all files, earlier runs of an import that went on included; rates of this run."""
        return {
            **{name: self._sum(name) for name in ("lines", "accepted", "duplicates", "quarantined", "rejected")},
            "first_quarantined": self._firsts("first_quarantined"),
            "first_rejected": self._firsts("first_rejected"),
            "seconds": round(self.seconds, 3),
            "facts_per_second": round(self.facts_now / self.seconds) if self.seconds else 0,
            "token": self._token(),
        }

    def _sentences(self) -> list[str]:
        told = self.as_json()
        sentences = [f"{name:<12}{told[name]:>12,}" for name in ("accepted", "duplicates", "quarantined", "rejected")]
        for name in ("quarantined", "rejected"):
            firsts = told[f"first_{name}"]
            if firsts:
                sentences.append(f"{name}, the first {len(firsts)}:" if told[name] > len(firsts) else f"{name}:")
            for one in firsts:
                what = one.get("id") or one.get("field") or "?"
                sentences.append(f"  {one['file']}:{one['line']}  {what}: {one['reason']}")
        sentences.append(f"{self.facts_now:,} facts in {self.seconds:.1f} s, {told['facts_per_second']:,}/s")
        return [*sentences, f"token       {told['token']}"] if told["token"] else sentences

    def _sum(self, name: str) -> int:
        return sum(getattr(tally, name) for tally in self.tallies.values())

    def _firsts(self, name: str) -> list[dict[str, Any]]:
        named = [{"file": file, **one} for file, tally in self.tallies.items() for one in tally.as_json()[name]]
        return named[:SHOWN]

    def _token(self) -> str:
        tokens = [tally.token for tally in self.tallies.values() if tally.token]
        return tokens[-1] if tokens else ""
