"""The table and the registry of the bench. Measured values are not asserted: the machine may be busy."""

import asyncio
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

import bench
from bench.drivers import wire
from bench.drivers.facts import RECIPES, Event
from bench.drivers.owner import Deletions, FactPublisher
from bench.drivers.stack import CATALOG, MeasuredTether
from bench.drivers.wire import SendResult, count
from bench.registry import ROWS
from bench.report import table as report
from bench.report.figures import Benchmark, Budget, Effort, Figure, Measurement, Samples, percentile, verdicts
from bench.report.size import Size
from bench.rows.cascading.requests import CascadeTimes
from catalog import catalog as catalogs
from config import Limits
from devstack.ports import LOOPBACK
from facts.envelope import read
from facts.validation import Validator

RATE = Figure("a rate", "facts/s", "the limit", Budget(least=1_000, ratio=0.5))
TIME = Figure("a time", "ms", "the limit", Budget(ratio=0.8), less_is_better=True)
LONG = Figure("a long time", "s", "the limit", Budget(most=10), less_is_better=True)
EXTRA = Figure("an extra", "ms", "the limit", Budget(most_above=10), less_is_better=True)


async def nothing(tether: MeasuredTether, effort: Effort) -> Measurement:
    raise AssertionError("nothing is measured here")


def row(*figures: Figure) -> Benchmark:
    return Benchmark("made-up", "Made up", figures, "Nothing bounds it.", nothing)


def judge(figure: Figure, ours: list[float], limit: list[float]) -> tuple[float, float, float, bool | None]:
    (verdict,) = verdicts(row(figure), Measurement({figure.name: Samples(ours, limit)}))
    return verdict.ours, verdict.limit, round(verdict.ratio, 3), verdict.met


def test_every_row_has_a_limit_a_budget_and_a_bound() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.bound.endswith(".")
        assert any(figure.budget != Budget() for figure in row.figures), row.name
        assert all(figure.limit and figure.unit for figure in row.figures), row.name
        assert len({figure.name for figure in row.figures}) == len(row.figures), row.name


def test_performance_page_calls_figures_as_the_bench_does() -> None:
    page = (Path(bench.__file__ or "").parents[1] / "docs" / "performance.md").read_text(encoding="utf-8")
    labels = re.findall(r"^\| ([^|]+?)(?: \([\d,]+[^|)]*\))? \|", page, re.MULTILINE)
    known = {figure.name for row in ROWS for figure in row.figures}
    assert set(labels) - known == {"what"}


def test_verdict_compares_the_medians_of_tether_and_of_the_limit() -> None:
    assert judge(RATE, [900, 1_200, 9_000], [2_000, 1_000, 2_400]) == (1_200, 2_000, 0.6, True)


@pytest.mark.parametrize(("ours", "limit"), [(900.0, 1_000.0), (1_500.0, 4_000.0)])
def test_every_part_of_a_budget_must_be_met(ours: float, limit: float) -> None:
    assert judge(RATE, [ours], [limit])[3] is False


def test_shorter_times_are_better() -> None:
    assert judge(TIME, [100], [80]) == (100, 80, 0.8, True)
    assert judge(TIME, [100], [79])[3] is False


def test_zero_against_a_limit_of_zero_has_the_ratio_1() -> None:
    none = Figure("left over", "rows", "none", Budget(most=0), less_is_better=True)
    assert judge(none, [0], [0]) == (0, 0, 1.0, True)
    assert judge(none, [3], [0])[2:] == (0.0, False)


def test_budget_above_the_limit_bounds_the_difference() -> None:
    assert judge(EXTRA, [14], [4])[3] is True
    assert judge(EXTRA, [14.5], [4])[3] is False


def test_absolute_maximum_is_independent_of_the_limit() -> None:
    assert judge(LONG, [10], [1])[3] is True
    assert judge(LONG, [10.5], [20])[3] is False
    assert str(LONG.budget) == "≤ 10"


def test_figure_without_a_budget_has_no_verdict() -> None:
    assert judge(Figure("p99", "ms", "the limit"), [1], [2])[3] is None


def test_figure_without_samples_has_no_verdict() -> None:
    assert [v.figure for v in verdicts(row(RATE, TIME), Measurement({TIME.name: Samples([1], [1])}))] == [TIME]


def test_table_shows_medians_ratios_and_verdicts() -> None:
    measured = Measurement({RATE.name: Samples([12_345], [20_000]), EXTRA.name: Samples([25.0], [4.0])})
    text = io.StringIO()
    Console(file=text, width=200).print(report.table((row(RATE, EXTRA),), {"made-up": measured}))
    lines = text.getvalue().splitlines()
    (rate,) = [line for line in lines if "a rate" in line]
    (extra,) = [line for line in lines if "an extra" in line]
    assert all(cell in rate for cell in ("12,345 facts/s", "20,000 facts/s", "0.62", "≥ 0.5 of the limit", "yes"))
    assert all(cell in extra for cell in ("25.0 ms", "4.0 ms", "+21.0 ms", "≤ 10 above the limit", "no"))


def test_remarks_are_the_bound_and_the_lines_of_each_measured_row() -> None:
    results = {"made-up": Measurement({RATE.name: Samples([1], [1])}, lines=["seven links"])}
    assert list(report.remarks((row(RATE),), results)) == ["made-up: Nothing bounds it.", "  seven links"]
    assert list(report.remarks((row(RATE),), {})) == []


def test_saved_document_has_every_sample_and_the_machine(tmp_path: Path) -> None:
    results = {"made-up": Measurement({RATE.name: Samples([1, 2, 3], [4, 5])}, {"links": 7})}
    file = report.save(report.document((row(RATE),), results, {"cores": 2}, quick=True), tmp_path)
    found = json.loads(file.read_text())
    assert found["machine"] == {"cores": 2}
    assert found["quick"] is True
    assert found["rows"]["made-up"]["notes"] == {"links": 7}
    assert found["rows"]["made-up"]["figures"][0]["samples"] == {"tether": [1, 2, 3], "limit": [4, 5]}


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_yields_the_same_valid_facts_at_every_call(recipe: str) -> None:
    validator = Validator(catalogs.load((CATALOG,)), Limits())
    made = list(RECIPES[recipe](0, 300))
    assert len(made) >= 300
    assert made == list(RECIPES[recipe](0, 300))
    assert len([validator.validate(read(event)) for event in made]) == len(made)


def test_pairs_are_shuffled_and_a_twentieth_of_the_facts_is_repeated() -> None:
    ids = [event["id"] for event in RECIPES["pairs"](0, 1_000)]
    assert (len(ids), len(set(ids))) == (2_100, 2_000)
    assert ids != sorted(ids)


def test_unexpected_response_counts_as_a_failure() -> None:
    sent = SendResult(0.0)
    count(sent, 202, b'{"accepted": 3, "duplicates": 1, "quarantined": []}')
    count(sent, 202, b'{"accepted": 1, "duplicates": 0, "quarantined": [{"index": 0}]}')
    count(sent, 503, b"away")
    assert (sent.accepted, sent.duplicates, sent.failures) == (4, 1, 2)
    assert sent.failure.startswith("202: ")


def test_each_event_is_followed_by_its_fifty_teams() -> None:
    facts = list(RECIPES["events"](51, 102))
    assert [event["subject"] for event in facts if event["source"] == "/events"] == ["e1", "e2"]
    assert [event["data"]["event_id"] for event in facts if event["source"] == "/teams"] == ["e1"] * 50 + ["e2"] * 50


def test_removals_are_of_the_items_of_the_recipe_children() -> None:
    added, removed = ([event["subject"] for event in RECIPES[recipe](7, 20)] for recipe in ("children", "removals"))
    assert added == removed


def test_added_bytes_are_listed_largest_first() -> None:
    before, after = Size({"facts": 1_000, "WAL": 0}), Size({"facts": 1_500, "links": 200, "WAL": 900})
    assert list(after.without(before).each(10).items()) == [("WAL", 90.0), ("facts", 50.0), ("links", 20.0)]


def test_rate_of_a_cascade_is_computed_for_each_part() -> None:
    samples = [(100.5, 0), (101.0, 400), (102.0, 1_000), (103.0, 1_000)]
    cascade = CascadeTimes(began=100.0, count=1_000, samples=samples)
    assert cascade.rates() == [400, 600]
    assert (cascade.requested, cascade.ended) == (2, 3)


def test_percentile_99_of_1_to_99_is_99() -> None:
    assert percentile([float(n) for n in range(1, 100)], 99) == 99


class CollectingPublisher(FactPublisher):
    """Keeps the published facts in memory."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.facts: list[Event] = []

    def add(self, fact: Event) -> None:
        self.facts.append(fact)


async def test_minimal_owner_deletes_and_publishes_once() -> None:
    publisher, loop = CollectingPublisher(), asyncio.get_running_loop()
    done: dict[str, bytes] = {}
    server = await loop.create_server(lambda: Deletions("teams", "team", done, publisher), LOOPBACK, 0)
    url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"

    async def delete(key: str, method: str = "DELETE") -> int:
        head = f"{method} /teams/t%201?still_in=e HTTP/1.1\r\nIdempotency-Key: {key}\r\nCorrelation-Id: c\r\n\r\n"
        return (await connection.exchange(head.encode()))[0]

    async with server:
        connection = await wire.connect(url)
        answers = [await delete("first"), await delete("first"), await delete("second"), await delete("x", "GET")]
        connection.close()
    assert answers == [204, 204, 410, 405]
    (fact,) = publisher.facts
    entry = Validator(catalogs.load((CATALOG,)), Limits()).validate(read(fact))
    assert (entry.kind, entry.key, entry.name, entry.correlation) == ("team", "t 1", "TeamDeleted", "c")
