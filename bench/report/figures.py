"""What is measured, what it is compared with, and whether that is enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from bench.drivers.stack import MeasuredTether


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. ``quick``: once, and less of it."""

    quick: bool
    say: Callable[[str], None] = lambda _: None
    """Called with a line about the present step, for people who wait."""

    @property
    def runs(self) -> int:
        """How often each sample is taken; the median counts."""
        return 1 if self.quick else 3

    def of(self, full: int, quick: int) -> int:
        """The amount for this effort."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Budget:
    """What a figure must reach; None: no limit. In the figure's unit, but for ``ratio``."""

    least: float | None = None
    ratio: float | None = None
    """Of the limit; 1 is as good as the limit, more is better."""
    most_above: float | None = None
    """More than the limit."""
    most: float | None = None

    def __str__(self) -> str:
        parts = []
        if self.least is not None:
            parts.append(f"≥ {self.least:,.0f}")
        if self.most is not None:
            parts.append(f"≤ {self.most:,.0f}")
        if self.ratio is not None:
            parts.append(f"≥ {self.ratio:g} of the limit")
        if self.most_above is not None:
            parts.append(f"≤ {self.most_above:g} above the limit")
        return " and ".join(parts) or "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a row. ``limit``: what it is compared with, in words."""

    name: str
    unit: str
    limit: str
    budget: Budget = Budget()
    less_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Samples:
    """Of one figure: ours, and the limit's from the same run."""

    ours: list[float]
    limit: list[float]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Of one row: samples by the figure's name, and facts that belong beside them.

    ``notes``: for machines; ``lines``: for people, printed below the table.
    """

    samples: Mapping[str, Samples]
    notes: Mapping[str, object] = field(default_factory=dict)
    lines: Sequence[str] = ()


def percentile(took: Sequence[float], at: int) -> float:
    """That which so many of a hundred do not exceed."""
    return quantiles(took, n=100)[at - 1]


Measure = Callable[[MeasuredTether, Effort], Awaitable[Measurement]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A row of the table of budgets. ``bound``: what keeps the figures from being better, in a sentence."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    bound: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure's medians, and what they mean."""

    figure: Figure
    samples: Samples

    @property
    def ours(self) -> float:
        """Median."""
        return median(self.samples.ours)

    @property
    def limit(self) -> float:
        """Median."""
        return median(self.samples.limit)

    @property
    def ratio(self) -> float:
        """How near to the limit: 1 is as good, more is better, whichever way the figure counts."""
        better, worse = (self.limit, self.ours) if self.figure.less_is_better else (self.ours, self.limit)
        return better / worse if worse else 1.0  # nothing at all: as good as can be

    @property
    def above(self) -> float:
        """How much more than the limit; negative: less."""
        return self.ours - self.limit

    @property
    def met(self) -> bool | None:
        """Whether the budget is kept; None: there is none."""
        budget = self.figure.budget
        kept = []
        if budget.least is not None:
            kept.append(self.ours >= budget.least)
        if budget.most is not None:
            kept.append(self.ours <= budget.most)
        if budget.ratio is not None:
            kept.append(self.ratio >= budget.ratio)
        if budget.most_above is not None:
            kept.append(self.above <= budget.most_above)
        return all(kept) if kept else None


def verdicts(row: Benchmark, measured: Measurement) -> list[Verdict]:
    """One for each figure of the row, in its order; a quick run may leave some out."""
    return [Verdict(figure, found) for figure in row.figures if (found := measured.samples.get(figure.name))]
