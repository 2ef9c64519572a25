"""The expected result of the sample follows from its facts, as computed by the reference model without PostgreSQL."""

import gzip
import hashlib
import json
from collections import Counter
from typing import Any

import pytest

from catalog.catalog import Catalog
from examples.data import EXPECTED, FLIGHTS
from examples.demo.flights import REFERENCES
from model import lines
from model.facts import read
from model.fold import fold
from model.state import ModelState

ENOUGH = 5_000
SMALL = 300 * 1024  # bytes


@pytest.fixture(scope="module")
def events() -> list[bytes]:
    return gzip.decompress(FLIGHTS.read_bytes()).splitlines()


@pytest.fixture(scope="module")
def expected() -> Any:
    return json.loads(EXPECTED.read_bytes())


@pytest.fixture(scope="module")
def state(catalog: Catalog, events: list[bytes]) -> ModelState:
    return fold(catalog, [read(catalog, json.loads(event)) for event in events])


def test_sample_has_the_hash_for_which_the_result_was_computed(events: list[bytes], expected: Any) -> None:
    assert len(events) == expected["events"] >= ENOUGH
    assert hashlib.sha256(b"".join(event + b"\n" for event in events)).hexdigest() == expected["events_sha256"]
    assert FLIGHTS.stat().st_size <= SMALL


def test_model_finds_the_expected_entities(state: ModelState, expected: Any) -> None:
    live = Counter(kind for (kind, _), entity in state.entities.items() if entity.state == "live")
    assert live == {kind: counts["live"] for kind, counts in expected["entities"].items()}


@pytest.mark.parametrize("field", REFERENCES)
def test_model_finds_the_expected_links(catalog: Catalog, state: ModelState, expected: Any, field: str) -> None:
    wanted = expected["relationships"][field]
    found = lines.link_counts(catalog, state)[REFERENCES[field]]
    states = ("linked", "waiting", "broken")
    assert {name: found.get(name, 0) for name in states} == {name: wanted[name] for name in states}
    assert wanted["children"] - sum(found.values()) == wanted["none"]
    links = sorted(
        f"{field}|{child}|{link.parent}|{link.state}\n".encode()
        for (relationship, child), link in state.links.items()
        if relationship == REFERENCES[field]
    )
    assert hashlib.sha256(b"".join(links)).hexdigest() == wanted["sha256"]
