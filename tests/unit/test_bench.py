"""The bench's table and its registry. What is measured is never asserted here: this machine may be busy."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench import report
from bench.facts import RECIPES
from bench.figures import Budget, Effort, Figure, Measured, Row, Samples, verdicts
from bench.registry import ROWS
from bench.stack import CATALOG, Tether
from bench.wire import Sent, count
from config import Limits
from contracts.envelope import read
from relationships import catalog as catalogs
from relationships.admission import Admission

RATE = Figure("a rate", "facts/s", "the limit", Budget(least=1_000, ratio=0.5))
TIME = Figure("a time", "ms", "the limit", Budget(ratio=0.8), less_is_better=True)
EXTRA = Figure("an extra", "ms", "the limit", Budget(most_above=10), less_is_better=True)


async def nothing(tether: Tether, effort: Effort) -> Measured:
    raise AssertionError("nothing is measured here")


def row(*figures: Figure) -> Row:
    return Row("made-up", "Made up", figures, "Nothing bounds it.", nothing)


def judged(figure: Figure, ours: list[float], limit: list[float]) -> tuple[float, float, float, bool | None]:
    (verdict,) = verdicts(row(figure), Measured({figure.name: Samples(ours, limit)}))
    return verdict.ours, verdict.limit, round(verdict.ratio, 3), verdict.met


def test_every_row_names_its_limit_its_budget_and_its_bound() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.bound.endswith(".")
        assert any(figure.budget != Budget() for figure in row.figures), row.name
        assert all(figure.limit and figure.unit for figure in row.figures), row.name
        assert len({figure.name for figure in row.figures}) == len(row.figures), row.name


def test_medians_count_and_a_rate_is_compared_with_its_limit() -> None:
    assert judged(RATE, [900, 1_200, 9_000], [2_000, 1_000, 2_400]) == (1_200, 2_000, 0.6, True)


@pytest.mark.parametrize(("ours", "limit"), [(900.0, 1_000.0), (1_500.0, 4_000.0)])
def test_every_part_of_a_budget_must_be_kept(ours: float, limit: float) -> None:
    assert judged(RATE, [ours], [limit])[3] is False


def test_of_times_the_shorter_is_the_better() -> None:
    assert judged(TIME, [100], [80]) == (100, 80, 0.8, True)
    assert judged(TIME, [100], [79])[3] is False


def test_an_extra_is_what_lies_above_the_limit() -> None:
    assert judged(EXTRA, [14], [4])[3] is True
    assert judged(EXTRA, [14.5], [4])[3] is False


def test_a_figure_without_a_budget_is_neither_kept_nor_missed() -> None:
    assert judged(Figure("p99", "ms", "the limit"), [1], [2])[3] is None


def test_what_a_quick_run_leaves_out_is_left_out() -> None:
    assert [v.figure for v in verdicts(row(RATE, TIME), Measured({TIME.name: Samples([1], [1])}))] == [TIME]


def test_the_table_shows_medians_ratios_and_what_is_missed() -> None:
    measured = Measured({RATE.name: Samples([12_345], [20_000]), EXTRA.name: Samples([25.0], [4.0])})
    text = io.StringIO()
    Console(file=text, width=200).print(report.table((row(RATE, EXTRA),), {"made-up": measured}))
    lines = text.getvalue().splitlines()
    (rate,) = [line for line in lines if "a rate" in line]
    (extra,) = [line for line in lines if "an extra" in line]
    assert all(cell in rate for cell in ("12,345 facts/s", "20,000 facts/s", "0.62", "≥ 0.5 of the limit", "yes"))
    assert all(cell in extra for cell in ("25.0 ms", "4.0 ms", "+21.0 ms", "≤ 10 above the limit", "no"))


def test_the_file_holds_every_sample_and_the_machine(tmp_path: Path) -> None:
    results = {"made-up": Measured({RATE.name: Samples([1, 2, 3], [4, 5])}, {"links": 7})}
    file = report.save(report.document((row(RATE),), results, {"cores": 2}, quick=True), tmp_path)
    found = json.loads(file.read_text())
    assert found["machine"] == {"cores": 2}
    assert found["quick"] is True
    assert found["rows"]["made-up"]["notes"] == {"links": 7}
    assert found["rows"]["made-up"]["figures"][0]["samples"] == {"tether": [1, 2, 3], "limit": [4, 5]}


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_make_facts_that_keep_their_contracts_and_are_the_same_every_time(recipe: str) -> None:
    admission = Admission(catalogs.load((CATALOG,)), Limits())
    made = list(RECIPES[recipe](0, 300))
    assert len(made) >= 300
    assert made == list(RECIPES[recipe](0, 300))
    assert len([admission.admit(read(event)) for event in made]) == len(made)


def test_pairs_are_shuffled_and_a_twentieth_is_told_twice() -> None:
    ids = [event["id"] for event in RECIPES["pairs"](0, 1_000)]
    assert (len(ids), len(set(ids))) == (2_100, 2_000)
    assert ids != sorted(ids)


def test_an_answer_that_is_not_as_it_should_be_is_noticed() -> None:
    sent = Sent(0.0)
    count(sent, 202, b'{"accepted": 3, "duplicates": 1, "quarantined": []}')
    count(sent, 202, b'{"accepted": 1, "duplicates": 0, "quarantined": [{"index": 0}]}')
    count(sent, 503, b"away")
    assert (sent.accepted, sent.duplicates, sent.failures) == (4, 1, 2)
    assert sent.failure.startswith("202: ")
