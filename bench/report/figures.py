"""Figures, their samples and budgets, and the verdicts that follow from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from bench.drivers.stack import MeasuredTether


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. ``quick``: one run, with less load."""

    quick: bool
    show: Callable[[str], None] = lambda _: None
    """Called with a description of the current step, which is shown while it runs."""

    @property
    def runs(self) -> int:
        """Number of samples of each figure, of which the median is reported."""
        return 1 if self.quick else 3

    def of(self, full: int, quick: int) -> int:
        """Returns ``quick`` for a quick run, else ``full``."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Budget:
    """What a figure must reach, in its unit. None: not required."""

    least: float | None = None
    ratio: float | None = None
    """At least this ratio to the limit: 1 is as good as the limit, more is better."""
    most_above: float | None = None
    """At most this much more than the limit."""
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
    """One number of a row. ``limit``: a description of what it is compared with."""

    name: str
    unit: str
    limit: str
    budget: Budget = Budget()
    less_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one figure: of Tether (``ours``) and of the limit, from the same run."""

    ours: list[float]
    limit: list[float]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The results of one row. ``samples``: by the name of the figure.

    ``notes``: further values, for the JSON file; ``lines``: further text, printed below the table.
    """

    samples: Mapping[str, Samples]
    notes: Mapping[str, object] = field(default_factory=dict)
    lines: Sequence[str] = ()


def percentile(took: Sequence[float], at: int) -> float:
    """Returns the percentile ``at``, 1 to 99, of at least two times."""
    return quantiles(took, n=100)[at - 1]


Measure = Callable[[MeasuredTether, Effort], Awaitable[Measurement]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A row of the table. ``bound``: a sentence about the bottleneck that bounds the figures."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    bound: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Verdict:
    """The medians of a figure, compared with its limit and its budget."""

    figure: Figure
    samples: Samples

    @property
    def ours(self) -> float:
        """Median of Tether's samples."""
        return median(self.samples.ours)

    @property
    def limit(self) -> float:
        """Median of the limit's samples."""
        return median(self.samples.limit)

    @property
    def ratio(self) -> float:
        """How Tether compares with the limit: 1 is as good, more is better, also if less is better."""
        better, worse = (self.limit, self.ours) if self.figure.less_is_better else (self.ours, self.limit)
        return better / worse if worse else 1.0  # a divisor of 0 is the best possible value

    @property
    def above(self) -> float:
        """Difference to the limit; negative: less than the limit."""
        return self.ours - self.limit

    @property
    def met(self) -> bool | None:
        """Whether the budget is met; None if there is no budget."""
        budget = self.figure.budget
        met = []
        if budget.least is not None:
            met.append(self.ours >= budget.least)
        if budget.most is not None:
            met.append(self.ours <= budget.most)
        if budget.ratio is not None:
            met.append(self.ratio >= budget.ratio)
        if budget.most_above is not None:
            met.append(self.above <= budget.most_above)
        return all(met) if met else None


def verdicts(row: Benchmark, measured: Measurement) -> list[Verdict]:
    """Returns a verdict for each figure of the row that has samples; a quick run may have none of some figures."""
    return [Verdict(figure, found) for figure in row.figures if (found := measured.samples.get(figure.name))]
